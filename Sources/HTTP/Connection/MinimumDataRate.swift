import Transport

/// The minimum rate at which a client has to send a request body or to accept a response.
package struct MinimumDataRate: Equatable, BitwiseCopyable, Sendable {
    /// 0 disables the limit.
    package var bytesPerSecond: UInt64
    /// How long a transfer may be slower at its start.
    package var grace: Delay

    /// The default of Kestrel and IIS.
    package static let usual = MinimumDataRate(bytesPerSecond: 240, grace: .seconds(5))

    package init(bytesPerSecond: UInt64, grace: Delay) {
        self.bytesPerSecond = bytesPerSecond
        self.grace = grace
    }
}

/// Measures one transfer of a client against its limits, counting only the time in which the gateway waits for the
/// client.
///
/// A balance in thousandths of a byte starts with the value of the grace period. Each millisecond of waiting subtracts
/// what the minimum rate requires, and each byte that has been transferred adds to it, up to the value of the longest
/// pause. A client that was fast may therefore pause as long as the timeout allows, and one that transfers a byte now
/// and then is detected.
///
/// Bytes are those of the socket: they are queried only at a deadline, and they are exact even if a slow client has
/// sent a part of a TLS record or has accepted a part of the system's send buffer.
struct DataRateMeter: BitwiseCopyable {
    /// The limits of one kind of transfer.
    struct Limits: BitwiseCopyable {
        var rate: MinimumDataRate
        /// The longest time without any byte.
        var pause: Delay
        /// For the whole transfer, from the first wait for the client; nil for no limit.
        var total: Delay?

        /// The pause that limits the balance of a client that was fast.
        fileprivate var longestPause: Delay {
            rate.grace.milliseconds < pause.milliseconds ? pause : rate.grace
        }
    }

    enum Verdict: Equatable {
        case keepsUp
        /// Nothing was transferred for the length of a pause.
        case stalled
        /// The transfer is slower than the minimum rate.
        case tooSlow
        /// The transfer as a whole takes too long.
        case overdue
    }

    /// Milliseconds between two checks of a client that is barely fast enough.
    private static let shortestInterval: UInt64 = 500

    private(set) var hasBegun = false
    private(set) var isWaiting = false
    /// Milliseconds of waits, as far as they are accounted for.
    private var waitedMilliseconds: UInt32 = 0
    /// Whether the bytes have been counted since the current wait began.
    private var hasCounted = false
    /// Whether the system does not report the number of transferred bytes.
    private var isBlind = false
    /// In thousandths of a byte.
    private var balance: Int64 = 0
    private var moved: UInt64 = 0
    private var since = Deadline.never
    private var pauseEnd = Deadline.never
    private var end = Deadline.never

    /// Starts a wait for the client; without effect if one is in progress.
    ///
    /// - Parameter count: the number of bytes transferred on the connection, queried at the first wait; bytes before
    ///   that do not count.
    /// - Returns: when `judge` has to be called.
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

    /// Ends the wait: the client has transferred bytes.
    mutating func stopWaiting(at now: Deadline, within limits: Limits) {
        chargeWait(at: now, limits.rate)
        isWaiting = false
    }

    /// Determines at the end of a wait whether the client may continue.
    ///
    /// - Parameter count: the number of bytes transferred on the connection so far; nil if the system does not report
    ///   it.
    mutating func judge(at now: Deadline, within limits: Limits, counting count: UInt64?) -> Verdict {
        chargeWait(at: now, limits.rate)
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

    /// Milliseconds for which the gateway has waited for the client.
    func waited(until now: Deadline) -> UInt64 {
        UInt64(waitedMilliseconds) + (isWaiting && now > since ? now.milliseconds - since.milliseconds : 0)
    }

    private mutating func chargeWait(at now: Deadline, _ rate: MinimumDataRate) {
        guard isWaiting, now > since else { return }
        let elapsed = Delay.milliseconds(now.milliseconds - since.milliseconds)
        waitedMilliseconds &+= UInt32(clamping: elapsed.milliseconds)
        let (difference, overflow) = balance.subtractingReportingOverflow(Self.worth(of: elapsed, rate))
        balance = overflow ? .min : difference
        since = now
    }

    /// When the balance is exhausted unless more is transferred.
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
