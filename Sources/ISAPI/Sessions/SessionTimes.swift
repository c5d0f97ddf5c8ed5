/// When an extension got a request and ended with it: nanoseconds of the monotonic clock, 0 while unknown.
///
/// A request that runs on its worker's thread has no clock of its own: the worker knows the times.
package struct SessionTimes: BitwiseCopyable, Equatable, Sendable {
    /// Whether anybody wants to know; otherwise no clock is read.
    package let areKept: Bool
    /// Whether the clock is read also when a worker's thread enters the code, so that the times are known before it
    /// returns.
    let areExact: Bool
    private var queued: UInt64
    private var started: UInt64 = 0
    private var ended: UInt64 = 0

    /// - Parameter queued: when the request was begun; nil if nobody wants to know.
    package init(queued: UInt64? = nil, areExact: Bool = false) {
        areKept = queued != nil
        self.areExact = areExact
        self.queued = queued ?? 0
    }

    mutating func start(at time: UInt64) {
        if areKept, started == 0, time >= queued { started = time }
    }

    mutating func end(at time: UInt64) {
        if areKept, ended == 0, time >= started { ended = time }
    }

    /// Microseconds in which it waited for a thread; all of the time if its code was not entered.
    package var waited: UInt64 {
        started == 0 ? Self.microseconds(from: queued, to: ended) : Self.microseconds(from: queued, to: started)
    }

    /// Microseconds from the call of HttpExtensionProc to the end of the request, which may follow its return.
    package var ran: UInt64 { started == 0 ? 0 : Self.microseconds(from: started, to: ended) }

    private static func microseconds(from start: UInt64, to end: UInt64) -> UInt64 {
        end > start ? (end - start) / 1000 : 0
    }
}
