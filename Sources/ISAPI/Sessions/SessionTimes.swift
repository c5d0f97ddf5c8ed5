/// When an extension got a request and ended with it, by the monotonic clock. Every pending request keeps one, so it is
/// small.
///
/// A request that runs on its worker's thread has no clock of its own: the worker knows the times.
package struct SessionTimes: BitwiseCopyable, Equatable, Sendable {
    /// Nanoseconds; 0 if nobody wants to know, and no clock is read.
    private let queued: UInt64
    /// Microseconds behind that, at least 1; 0 while unknown.
    private var started: UInt32 = 0
    private var ended: UInt32 = 0
    /// Whether the clock is read also when a worker's thread enters the code, so that the times are known before it
    /// returns.
    let areExact: Bool

    /// - Parameter queued: when the request was begun; nil if nobody wants to know.
    package init(queued: UInt64? = nil, areExact: Bool = false) {
        self.queued = queued ?? 0
        self.areExact = areExact
    }

    /// Whether anybody wants to know.
    package var areKept: Bool { queued != 0 }

    mutating func start(at time: UInt64) {
        if areKept, started == 0, time >= queued { started = offset(of: time) }
    }

    mutating func end(at time: UInt64) {
        if areKept, ended == 0, time >= queued, offset(of: time) >= started { ended = offset(of: time) }
    }

    private func offset(of time: UInt64) -> UInt32 { max(1, UInt32(clamping: (time - queued) / 1000)) }

    /// Microseconds in which it waited for a thread; all of the time if its code was not entered.
    package var waited: UInt32 { started == 0 ? ended : started }

    /// Microseconds from the call of HttpExtensionProc to the end of the request, which may follow its return.
    package var ran: UInt32 { started == 0 || ended < started ? 0 : ended - started }
}
