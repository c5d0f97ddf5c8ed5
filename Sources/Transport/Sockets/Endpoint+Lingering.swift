/// How long, and how much, a finished connection is still read before it is closed.
///
/// Closing a socket that has unread bytes, or that still receives bytes, resets the connection. A reset discards what
/// the peer has received and not read yet: the response or the alert that states why the connection ends (RFC 9112
/// §9.6, RFC 8446 §6.1).
package struct LingerLimits: Equatable, Sendable {
    /// From the last byte sent until the close.
    package var time = Delay.seconds(5)
    /// The longest time without a byte from the peer.
    package var pause = Delay.seconds(5)
    /// The maximum number of bytes that are read and discarded.
    package var bytes = 64 << 20

    package init() {}
}

// Closing a connection whose peer may still be sending.
extension Endpoint {
    /// Shuts down the sending direction, reads and discards what the peer still sends until the peer finishes too or a
    /// limit is reached, and then closes. It is the last action of a connection's task.
    ///
    /// Everything for the peer must have been sent before.
    package func closeLingering(_ limits: LingerLimits = LingerLimits()) async {
        var lingering = Lingering(self, limits)
        await lingering.close()
    }

    /// Like `closeLingering`, in a separate task, so that the caller continues at once.
    package func closeLingeringAside(_ limits: LingerLimits = LingerLimits()) {
        Task(executorPreference: worker) { await self.closeLingering(limits) }
    }
}

extension ByteStream {
    /// Like `Endpoint.closeLingering`. Bytes that the stream still buffers are sent first, while received bytes are
    /// discarded already: a peer that is sending may not read before it has finished.
    package func closeLingering(_ limits: LingerLimits = LingerLimits()) async {
        var lingering = Lingering(endpoint, limits)
        while endpoint.hasRest || flush() == .wouldBlock(.writable) {
            guard await lingering.dropOrWait(for: .writable) else { break }
        }
        if !endpoint.hasFinishedSending { finish() }
        await lingering.close()
    }

    /// Closes a connection that has failed: at once, unless an alert with the reason has been sent to the peer.
    package func closeBroken(_ limits: LingerLimits = LingerLimits()) async {
        if hasSentAlert { await closeLingering(limits) } else { endpoint.reset() }
    }
}

/// The lingering close of one connection, within its limits.
private struct Lingering {
    private let endpoint: Endpoint
    private let limits: LingerLimits
    private let deadline: Deadline
    private var room: Int
    /// The peer has finished sending, or the connection has failed.
    private var hasEnded = false

    /// The number of bytes after which other connections are served.
    private static let bytesPerTurn = 1 << 20

    init(_ endpoint: Endpoint, _ limits: LingerLimits) {
        self.endpoint = endpoint
        self.limits = limits
        deadline = endpoint.worker.now.advanced(by: limits.time)
        room = limits.bytes
    }

    mutating func close() async {
        if !endpoint.hasFinishedSending { endpoint.finishSending() }
        while await dropOrWait(for: []) {}
        endpoint.close()
    }

    /// Discards the received bytes, then waits for more or for `interest`; false when there is no reason to wait.
    mutating func dropOrWait(for interest: Interest) async -> Bool {
        let isSpent = drop()
        guard room > 0, endpoint.worker.now < deadline, !endpoint.isAborted else { return false }
        if isSpent {
            await endpoint.worker.nextTurn()
            return true
        }
        if hasEnded && interest == [] { return false }
        let until = min(deadline, endpoint.worker.now.advanced(by: limits.pause))
        switch await endpoint.wait(for: hasEnded ? interest : interest | .readable, until: until) {
        case .ready, .signalled, .draining: return true
        case .hangup, .deadline, .aborted: return false
        }
    }

    /// Discards the available bytes; true if there may be more, which are left for another turn.
    private mutating func drop() -> Bool {
        guard !hasEnded, endpoint.mayReceive else { return false }
        let block = endpoint.worker.rentBlock()
        defer { endpoint.worker.returnBlock(block) }
        var dropped = 0
        while dropped < min(Self.bytesPerTurn, room) {
            switch endpoint.receive(into: block) {
            case .bytes(let count): dropped += count
            case .wouldBlock:
                room -= dropped
                return false
            case .end, .failed:
                hasEnded = true
                return false
            }
        }
        room -= dropped
        return true
    }
}
