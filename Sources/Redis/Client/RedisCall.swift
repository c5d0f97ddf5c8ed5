import Transport

/// A command that was given to a client, and its outcome; used on the client's worker only.
package final class RedisCall {
    package private(set) var outcome: Outcome?
    /// The task that waits for the outcome is woken by a signal to this endpoint; nil if nobody waits.
    private var waiter: WaitingEndpoint?
    /// Until then there is an outcome, or the task does without.
    package internal(set) var deadline: Deadline
    /// On the worker's clock, in nanoseconds.
    let began: UInt64

    package enum Outcome: Equatable {
        case reply(RESPValue)
        case failed(RedisFailure)
    }

    init(_ waiter: WaitingEndpoint?, deadline: Deadline, began: UInt64) {
        self.waiter = waiter
        self.deadline = deadline
        self.began = began
    }

    func end(_ outcome: Outcome) {
        self.outcome = outcome
        let waiter = waiter
        self.waiter = nil
        waiter?.signalAtOnce()
    }

    /// Nobody waits any more; the command is carried out nevertheless.
    package func abandon() { waiter = nil }
}

/// Why a server cannot be used, or a command has no reply.
package enum RedisFailure: Error, Equatable, Sendable {
    case noAddress
    case noDescriptor
    case connectFailed(TransportFailure)
    case connectTimeout
    case handshakeFailed(String)
    /// A command has had no reply within the timeout.
    case timeout
    /// The server ended the connection.
    case closed
    case malformed(RESPError)
    /// There is a reply that no command asked for.
    case unexpectedReply
    /// The server refuses to serve: the kind of its error, such as WRONGPASS, and its text where that has no secret.
    case refused(String)
    /// No sentinel knows a server of this name.
    case noMaster
    /// A sentinel names its servers by names, not by addresses.
    case namedMaster
    /// The server that a sentinel named is no master, or has just become a replica.
    case notMaster
    /// Too many commands are waiting for their replies.
    case queueFull
    /// The gateway ends, or does not use the server any more.
    case ended
    /// The gateway ends at once.
    case aborted

    package var reason: String {
        switch self {
        case .noAddress: "its name has no address"
        case .noDescriptor: "no descriptor is left for a connection"
        case .connectFailed(let failure): "no connection (\(failure.text))"
        case .connectTimeout: "no connection in time"
        case .handshakeFailed(let reason): "TLS handshake failed (\(reason))"
        case .timeout: "no reply in time"
        case .closed: "it closed the connection"
        case .malformed(let error): "no reply of Redis: \(error)"
        case .unexpectedReply: "a reply that no command asked for"
        case .refused(let text): "it answers \(text)"
        case .noMaster: "no sentinel knows the master"
        case .namedMaster: "the sentinel gives a name for the master, not its address"
        case .notMaster: "it is no master"
        case .queueFull: "too many commands wait for replies"
        case .ended, .aborted: "the connection is closed"
        }
    }
}

extension TransportFailure {
    fileprivate var text: String {
        switch self {
        case .reset: "reset"
        case .protocolViolation: "malformed TLS"
        case .contentLost: "content lost"
        case .system(let code): systemText(code)
        }
    }
}

extension RedisFailure {
    /// - Parameter isSecret: whether the server may repeat a password in its text: old ones do when they do not know
    ///   the command.
    static func refusal(_ text: [UInt8], isSecret: Bool) -> RedisFailure {
        let text = String(decoding: text.prefix(200), as: UTF8.self)
        if text.contains("READONLY") { return .notMaster }
        let kind = text.prefix { $0.isASCII && ($0.isUppercase || $0.isNumber) }
        if isSecret { return .refused(kind.isEmpty ? "an error" : String(kind)) }
        return .refused(text.filter { !$0.isNewline && $0 >= " " })
    }
}
