import Transport

/// The least rate at which a client has to send a request body or to take a response.
package struct MinimumDataRate: Equatable, BitwiseCopyable, Sendable {
    /// 0 asks for nothing.
    package var bytesPerSecond: UInt64
    /// How long a transfer may be slower at its beginning.
    package var grace: Delay

    /// The default of Kestrel and IIS.
    package static let usual = MinimumDataRate(bytesPerSecond: 240, grace: .seconds(5))

    package init(bytesPerSecond: UInt64, grace: Delay) {
        self.bytesPerSecond = bytesPerSecond
        self.grace = grace
    }
}

/// Measures one transfer of a client against its limits, counting only the time in which the client is waited for.
///
/// A balance in thousandths of a byte begins with what the grace is worth. Each millisecond of waiting takes from it what
/// the least rate asks for, and each byte that is seen to have moved adds to it, up to what the longest pause is worth.
/// So a client that was fast may pause as long as the timeout says, and one that moves a byte now and then is found out.
///
/// Bytes are those of the socket: asked for only when a deadline has come, and exact where a slow client has sent a part
/// of a TLS record or has taken a part of what the system holds for it.
struct DataRateMeter: BitwiseCopyable {
    /// What one kind of transfer must keep to.
    struct Limits: BitwiseCopyable {
        var rate: MinimumDataRate
        /// Without a single byte.
        var pause: Delay
        /// Of the whole transfer, from the first time that the client is waited for; nil for no limit.
        var total: Delay?

        /// What a client that was fast may have in hand.
        fileprivate var longestPause: Delay {
            rate.grace.milliseconds < pause.milliseconds ? pause : rate.grace
        }
    }

    enum Verdict: Equatable {
        case keepsUp
        /// Nothing moved for the length of a pause.
        case stalled
        /// Less moved than the least rate asks for.
        case tooSlow
        /// The transfer as a whole takes too long.
        case overdue
    }

    /// Milliseconds between two looks at a client that keeps up just so.
    private static let shortestInterval: UInt64 = 500

    private(set) var hasBegun = false
    private(set) var isWaiting = false
    /// Whether the bytes were counted since the wait under way began.
    private var hasCounted = false
    /// Whether the system does not tell how many bytes have moved.
    private var isBlind = false
    /// In thousandths of a byte.
    private var balance: Int64 = 0
    private var moved: UInt64 = 0
    private var since = Deadline.never
    private var pauseEnd = Deadline.never
    private var end = Deadline.never

    /// The client is waited for; without effect on a wait that is under way.
    ///
    /// - Parameter count: the bytes that have moved on the connection, asked for at the first wait; those before it
    ///   then count for nothing.
    /// - Returns: when `judge` is to be asked.
    mutating func wait(from now: Deadline, within limits: Limits, counting count: @autoclosure () -> UInt64? = 0)
        -> Deadline
    {
        if !hasBegun {
            hasBegun = true
            balance = Self.worth(of: limits.rate.grace, limits.rate)
            if let total = limits.total { end = now.advanced(by: total) }
            if let count = count() { moved = count } else { isBlind = true }
        }
        if !isWaiting {
            isWaiting = true
            hasCounted = false
            since = now
            pauseEnd = now.advanced(by: limits.pause)
        }
        return min(pauseEnd, end, exhaustion(at: limits.rate))
    }

    /// The client has moved something.
    mutating func stopWaiting(at now: Deadline, within limits: Limits) {
        settle(at: now, limits.rate)
        isWaiting = false
    }

    /// Whether the client may go on, at the end of a wait.
    ///
    /// - Parameter count: the bytes that have moved on the connection so far; nil where the system does not tell.
    mutating func judge(at now: Deadline, within limits: Limits, counting count: UInt64?) -> Verdict {
        settle(at: now, limits.rate)
        if let count {
            let more = count > moved ? count - moved : 0
            let most = Self.worth(of: limits.longestPause, limits.rate)
            let credit = Int64(clamping: min(more, .max / 1000) * 1000)
            let (sum, overflow) = balance.addingReportingOverflow(credit)
            balance = min(overflow ? .max : sum, most)
            if more > 0, hasCounted { pauseEnd = now.advanced(by: limits.pause) }
            moved = max(moved, count)
            hasCounted = true
        } else {
            isBlind = true
        }
        if now >= end { return .overdue }
        if now >= pauseEnd { return .stalled }
        return limits.rate.bytesPerSecond > 0 && !isBlind && balance <= 0 ? .tooSlow : .keepsUp
    }

    private mutating func settle(at now: Deadline, _ rate: MinimumDataRate) {
        guard isWaiting, now > since else { return }
        let elapsed = Delay.milliseconds(now.milliseconds - since.milliseconds)
        let (difference, overflow) = balance.subtractingReportingOverflow(Self.worth(of: elapsed, rate))
        balance = overflow ? .min : difference
        since = now
    }

    /// When nothing is left of the balance unless more moves.
    private func exhaustion(at rate: MinimumDataRate) -> Deadline {
        guard rate.bytesPerSecond > 0, !isBlind else { return .never }
        let left = (UInt64(max(0, balance)) + rate.bytesPerSecond - 1) / rate.bytesPerSecond
        return since.advanced(by: .milliseconds(hasCounted ? max(left, Self.shortestInterval) : left))
    }

    private static func worth(of time: Delay, _ rate: MinimumDataRate) -> Int64 {
        let (product, overflow) = time.milliseconds.multipliedReportingOverflow(by: rate.bytesPerSecond)
        return overflow ? .max : Int64(clamping: product)
    }
}
