import Transport

/// When memory that connections have left is given back to the system: once most of many have gone.
///
/// The C library keeps what is freed, and thousands of handshakes leave it in pieces that later work needs little of. To
/// give it back takes milliseconds in which others wait for memory, so it is not done while connections come and go.
struct MemoryReturn {
    /// Fewer leave so little that it is not worth the time.
    static let leastGone = 512
    /// Between two looks.
    static let period = Delay.seconds(20)

    /// The most connections there were since memory was given back last.
    private var highest = 0
    private(set) var nextLook: Deadline

    init(at now: Deadline) {
        nextLook = now.advanced(by: Self.period)
    }

    /// - Parameters:
    ///   - highest: the most connections at once since the last look.
    ///   - open: those that are open now.
    /// - Returns: whether it is time to give memory back.
    mutating func look(highest newest: Int, open: Int, at now: Deadline) -> Bool {
        nextLook = now.advanced(by: Self.period)
        highest = max(highest, newest)
        guard highest - open >= Self.leastGone, open <= highest / 2 else { return false }
        highest = open
        return true
    }
}
