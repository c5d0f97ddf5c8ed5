/// How long, and how much, a connection that is over is read on before it is closed.
///
/// To close a socket with unread bytes, or one that bytes still come to, is to reset the connection, and a reset
/// discards what the peer has received and not read yet: the response or the alert that says why it ends (RFC 9112
/// §9.6, RFC 8446 §6.1).
package struct LingerLimits: Equatable, Sendable {
    /// From the last byte sent to the close.
    package var time = Delay.seconds(5)
    /// Without a byte from the peer.
    package var pause = Delay.seconds(5)
    /// Bytes that are read and dropped.
    package var bytes = 64 << 20

    package init() {}
}

// Ending a connection whose peer may still be sending.
extension Endpoint {
    /// Ends our direction, reads and drops what the peer still sends until it ends too or a limit is reached, then
    /// closes; the last thing a connection's task does.
    ///
    /// All that was to be said has been sent before.
    package func closeLingering(_ limits: LingerLimits = LingerLimits()) async {
        var lingering = Lingering(self, limits)
        await lingering.close()
    }

    /// As `closeLingering`, in a task of its own: whoever used the connection goes on at once.
    package func closeLingeringAside(_ limits: LingerLimits = LingerLimits()) {
        Task(executorPreference: worker) { await self.closeLingering(limits) }
    }
}

extension ByteStream {
    /// As `Endpoint.closeLingering`; what the stream still holds leaves first, while what comes is dropped already: a
    /// peer that is busy sending may read nothing before it is through.
    package func closeLingering(_ limits: LingerLimits = LingerLimits()) async {
        var lingering = Lingering(endpoint, limits)
        while endpoint.hasRest || flush() == .wouldBlock(.writable) {
            guard await lingering.dropOrWait(for: .writable) else { break }
        }
        if !endpoint.hasFinishedSending { finish() }
        await lingering.close()
    }

    /// Ends a connection that cannot go on: at once, unless the peer has been told why.
    package func closeBroken(_ limits: LingerLimits = LingerLimits()) async {
        if hasSentAlert { await closeLingering(limits) } else { endpoint.reset() }
    }
}

/// The end of one connection, as far as its limits let it last.
private struct Lingering {
    private let endpoint: Endpoint
    private let limits: LingerLimits
    private let deadline: Deadline
    private var room: Int
    /// The peer has ended too, or is gone.
    private var hasEnded = false

    /// Bytes after which other connections have their turn.
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

    /// Drops what has come, then waits for more or for `interest`; false when nothing is worth waiting for.
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

    /// Drops the bytes that are there; true when there may be more, for another turn.
    private mutating func drop() -> Bool {
        guard !hasEnded, endpoint.mayReceive else { return false }
        let block = unsafe endpoint.worker.rentBlock()
        defer { unsafe endpoint.worker.returnBlock(block) }
        var dropped = 0
        while dropped < min(Self.bytesPerTurn, room) {
            switch unsafe endpoint.receive(into: block) {
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
