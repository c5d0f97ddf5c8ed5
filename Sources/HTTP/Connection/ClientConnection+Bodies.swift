import Transport

/// Sending body parts that are available in full, as far as it is the same for all protocols.
extension ClientConnection {
    /// Parts smaller than this are copied to the output and sent with the rest of it.
    static var collectedSize: Int { 16 << 10 }
    /// The number of bytes after which a client that never blocks yields to others.
    static var bytesPerTurn: Int { 1 << 20 }
    /// The number of bytes read from a disk at once: those of a turn, and the page after them.
    static var loadSize: Int { bytesPerTurn + (64 << 10) }

    /// The result of sending a part.
    enum Step {
        case sent(Int)
        case wait(Interest)
        case load
        case ended
        case failed(TransportFailure)
    }

    /// Copies the next bytes to the output, framed as the response requires.
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
        // The system may hold back bytes of the last piece to send them with this one.
        endpoint.push()
        PageLoader.load(file, from: source.offset, count: Self.loadSize, signalling: endpoint)
        let deadline = endpoint.worker.now.advanced(by: service.limits.writeTimeout)
        switch await endpoint.wait(for: .signal | .hangup, until: deadline) {
        // The signal may have been meant for another waiting task; it checks its condition again after each signal.
        case .signalled, .ready, .draining: endpoint.signal()
        case .hangup: throw .clientGone(.reset)
        case .deadline: throw .writeTimeout
        case .aborted: throw .aborted
        }
    }
}
