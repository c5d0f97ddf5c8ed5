import Transport

/// Sending what lies ready as a whole, as far as it is the same for all protocols.
extension ClientConnection {
    /// Less than this is collected with what else there is to send.
    static var collectedSize: Int { 16 << 10 }
    /// Bytes after which a client that never makes us wait lets others go first.
    static var bytesPerTurn: Int { 1 << 20 }
    /// Bytes read from a disk at once: those of a turn, and the page behind them.
    static var loadSize: Int { bytesPerTurn + (64 << 10) }

    /// What came of sending a part.
    enum Step {
        case sent(Int)
        case wait(Interest)
        case load
        case ended
        case failed(TransportFailure)
    }

    /// Adds the next bytes to the output, framed as the response needs it.
    func collect(_ source: BodySource, _ exchange: Exchange) -> Step {
        let block = unsafe endpoint.worker.rentBlock()
        defer { unsafe endpoint.worker.returnBlock(block) }
        let count = min(Self.collectedSize, Int(clamping: source.count))
        switch unsafe source.read(into: UnsafeMutableRawBufferPointer(rebasing: block[..<count])) {
        case .bytes(let count):
            unsafe exchange.write(UnsafeRawBufferPointer(rebasing: block[..<count]))
            return .sent(count)
        case .absent: return .load
        case .ended: return .ended
        }
    }

    /// Waits until the next bytes of a file are in memory.
    func load(_ source: BodySource) async throws(ExchangeFailure) {
        guard let file = source.file else { return }
        // The last piece may have left something to go with this one.
        endpoint.push()
        PageLoader.load(file, from: source.offset, count: Self.loadSize, signalling: endpoint)
        let deadline = endpoint.worker.now.advanced(by: service.limits.writeTimeout)
        switch await endpoint.wait(for: .signal | .hangup, until: deadline) {
        // The signal may have been one that somebody else waits for; who does looks anew after each.
        case .signalled, .ready, .draining: endpoint.signal()
        case .hangup: throw .clientGone(.reset)
        case .deadline: throw .writeTimeout
        case .aborted: throw .aborted
        }
    }
}
