/// How long to wait before a gateway process that died is started again.
///
/// The first death is answered at once, for the sake of the clients that wait. A process that dies within ten seconds
/// of its start again and again is given growing pauses: 1 s, doubled up to 30 s.
struct RestartBackoff: Equatable, Sendable {
    private var quickDeaths = 0

    private static let quick = Duration.seconds(10)
    private static let longest = Duration.seconds(30)

    mutating func pause(afterLiving lifetime: Duration) -> Duration {
        guard lifetime < Self.quick else {
            quickDeaths = 0
            return .zero
        }
        quickDeaths += 1
        guard quickDeaths > 1 else { return .zero }
        return min(.seconds(1 << min(quickDeaths - 2, 10)), Self.longest)
    }
}
