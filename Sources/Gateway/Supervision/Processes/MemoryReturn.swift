import Transport

/// Decides when freed memory of connections is returned to the system: once most of many connections have closed.
///
/// The C library keeps freed memory, and thousands of handshakes leave it fragmented, so that later work reuses little
/// of it. Returning it takes milliseconds in which other threads wait for memory, so it is not done while connections
/// come and go.
struct MemoryReturn {
    /// Fewer closed connections free too little memory to be worth the time.
    static let leastGone = 512
    /// Between two checks.
    static let period = Delay.seconds(20)

    /// The highest number of connections since memory was returned last.
    private var highest = 0
    private(set) var nextLook: Deadline

    init(at now: Deadline) {
        nextLook = now.advanced(by: Self.period)
    }

    /// - Parameters:
    ///   - highest: the highest number of simultaneous connections since the last check.
    ///   - open: those that are open now.
    /// - Returns: whether memory has to be returned now.
    mutating func look(highest newest: Int, open: Int, at now: Deadline) -> Bool {
        nextLook = now.advanced(by: Self.period)
        highest = max(highest, newest)
        guard highest - open >= Self.leastGone, open <= highest / 2 else { return false }
        highest = open
        return true
    }
}
