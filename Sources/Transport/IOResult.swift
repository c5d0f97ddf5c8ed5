import Glibc

/// What one non-blocking attempt to move bytes came to.
package enum IOResult: Equatable, BitwiseCopyable, Sendable {
    /// This many bytes moved; at least one.
    case bytes(Int)
    /// Nothing moved, and nothing will until the descriptor is ready in this way.
    case wouldBlock(Interest)
    /// The peer has finished sending.
    case end
    case failed(TransportFailure)
}

/// Why a connection cannot go on.
package enum TransportFailure: Equatable, BitwiseCopyable, Error, Sendable {
    /// The peer reset or closed while we were sending.
    case reset
    /// The peer ended TLS without close_notify, or sent bytes that are not TLS.
    case protocolViolation
    /// The file that bytes were sent from does not have them any more.
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

/// What a task waits for on its endpoint.
package struct Interest: OptionSet, BitwiseCopyable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Nothing; said by an array literal it would cost a generic sequence.
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

    /// What an array literal would say, without making an array for every wait.
    package static func | (left: Interest, right: Interest) -> Interest {
        Interest(rawValue: left.rawValue | right.rawValue)
    }
}

/// Why a waiting task goes on.
package enum Wake: BitwiseCopyable, Sendable {
    case ready, signalled, deadline, draining, hangup
    /// The gateway stops at once; the task must close and return.
    case aborted
}
