/// How long to wait before a gateway process that died is started again.
///
/// After the first death the process is restarted immediately, because clients wait. After repeated deaths within ten
/// seconds of the start the delays grow: 1 s, doubled up to 30 s.
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
