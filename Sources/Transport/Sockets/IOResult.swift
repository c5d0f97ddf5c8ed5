import Glibc

/// The result of one non-blocking attempt to transfer bytes.
package enum IOResult: Equatable, BitwiseCopyable, Sendable {
    /// The number of bytes transferred; at least one.
    case bytes(Int)
    /// Nothing was transferred, and nothing will be until the descriptor is ready for this interest.
    case wouldBlock(Interest)
    /// The peer has finished sending.
    case end
    case failed(TransportFailure)
}

/// Why a connection cannot continue.
package enum TransportFailure: Equatable, BitwiseCopyable, Error, Sendable {
    /// The peer reset or closed the connection while the gateway was sending.
    case reset
    /// The peer ended TLS without close_notify, or sent bytes that are not TLS.
    case protocolViolation
    /// The file from which bytes were sent no longer has them.
    case contentLost
    /// Any other error number of the system.
    case system(Int32)

    init(errno code: Int32) {
        switch code {
        case ECONNRESET, EPIPE, ETIMEDOUT, ENOTCONN: self = .reset
        default: self = .system(code)
        }
    }
}

/// The events that a task waits for on its endpoint.
package struct Interest: OptionSet, BitwiseCopyable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No event. An empty array literal would go through a generic sequence.
    package init() { rawValue = 0 }

    package static var readable: Interest { Interest(rawValue: 1) }
    package static var writable: Interest { Interest(rawValue: 2) }
    /// A call of `Endpoint.signal()` from any thread.
    package static var signal: Interest { Interest(rawValue: 4) }
    /// The beginning of a drain.
    package static var drain: Interest { Interest(rawValue: 8) }
    /// The peer has closed or reset both directions.
    package static var hangup: Interest { Interest(rawValue: 16) }
    /// The peer has finished sending, whether or not it still receives.
    package static var finished: Interest { Interest(rawValue: 32) }

    /// The union, without the array that an array literal would create for every wait.
    package static func | (left: Interest, right: Interest) -> Interest {
        Interest(rawValue: left.rawValue | right.rawValue)
    }
}

/// Why a wait has ended.
package enum Wake: BitwiseCopyable, Sendable {
    case ready, signalled, deadline, draining, hangup
    /// The gateway stops immediately; the task must close the connection and return.
    case aborted
}
