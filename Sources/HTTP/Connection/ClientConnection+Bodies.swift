import Transport

/// Sending body parts that are available in full: files, and memory that need not be copied.
extension ClientConnection {
    /// Parts smaller than this are copied to the output and sent with the rest of it.
    static var collectedSize: Int { 16 << 10 }
    /// The number of bytes after which a client that never blocks yields to others.
    static var bytesPerTurn: Int { 1 << 20 }
    /// The number of bytes read from a disk at once: those of a turn, and the pages after them.
    static var loadSize: Int { bytesPerTurn + (64 << 10) }
    /// Smaller parts of files are read; looking up their mapping would take as long.
    private static var mappedSize: UInt64 { 256 << 10 }

    /// The result of sending a part.
    enum PassResult {
        case sent(Int)
        case wait(Interest)
        case load
        case ended
        case failed(TransportFailure)
    }

    /// Sends all of `source` as part of the body; false if a file ended early.
    ///
    /// While the client is slow, no more of a part is in memory than the connection has accepted.
    final func send(_ source: BodySource, of exchange: Exchange) async throws(ExchangeFailure) -> Bool {
        var source = source
        if mayMap(source, exchange), let mappings = endpoint.worker.mappings { source.map(by: mappings) }
        var room = Self.bytesPerTurn
        var isPassed = false
        sending: while source.count > 0 {
            switch try await step(&source, isPassed: isPassed, exchange) {
            case nil: break sending
            case .sent(let count):
                source.skip(count)
                room -= count
                if count > 0, exchange.storage.value.output.isEmpty { isPassed = true }
                guard room <= 0 else { continue }
                await endpoint.worker.nextTurn()
                if endpoint.isAborted { throw .aborted }
            case .wait(let interest): try await waitToSend(interest, exchange)
            case .load:
                leaveQueue()
                try await load(source)
                source.noteLoaded(Self.loadSize)
            case .ended:
                if let mapping = source.mapping { endpoint.worker.mappings?.drop(mapping) }
                return false
            case .failed(let failure): throw .clientGone(failure)
            }
            room = Self.bytesPerTurn
            source.resume()
        }
        leaveQueue()
        // Nothing may remain in the stream that only a further write would send.
        if isPassed { try await flush(exchange) }
        return true
    }

    /// Whether enough of a file is sent unframed, and from memory, for mapping it to pay off.
    private func mayMap(_ source: BodySource, _ exchange: Exchange) -> Bool {
        guard source.file != nil, source.count >= Self.mappedSize, sendsMapped else { return false }
        guard case .unframed(let limit) = exchange.passage else { return false }
        return limit >= Self.mappedSize
    }

    /// Sends the next bytes; nil if the response has no room for them.
    private func step(
        _ source: inout BodySource, isPassed: Bool, _ exchange: Exchange
    ) async throws(ExchangeFailure) -> PassResult? {
        let waiting = exchange.storage.value.output.count
        switch exchange.passage {
        case .nothing, .unframed(0): return nil
        case .unframed(let limit):
            if waiting > Self.collectedSize { try await flush(exchange) }
            let isShort = source.count + UInt64(waiting) <= UInt64(Self.collectedSize)
            if isShort, !isPassed { return collect(source, exchange) }
            return try pass(&source, upTo: Int(clamping: min(limit, source.count)), exchange)
        case .framed:
            if waiting >= framedLimit { try await flush(exchange) }
            return collect(source, exchange)
        }
    }

    /// Copies the next bytes to the output, framed as the response requires.
    private func collect(_ source: BodySource, _ exchange: Exchange) -> PassResult {
        let block = endpoint.worker.rentBlock()
        defer { endpoint.worker.returnBlock(block) }
        let count = min(Self.collectedSize, Int(clamping: source.count))
        switch source.read(into: block[..<count]) {
        case .bytes(let count):
            exchange.write(block.view[..<count])
            return .sent(count)
        case .absent: return .load
        case .ended: return .ended
        }
    }

    /// Waits until the next bytes of a file are in memory.
    private func load(_ source: BodySource) async throws(ExchangeFailure) {
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
