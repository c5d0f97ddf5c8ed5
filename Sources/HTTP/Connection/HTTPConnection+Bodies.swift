import Transport

/// Sending body parts that are available in full: files, and memory that need not be copied.
extension HTTPConnection {
    /// The number of bytes read and written at once: five full TLS records, which are sent in one write to the socket.
    private static let pieceSize = 80 << 10
    /// The number of bytes that a plain connection passes to the kernel at once.
    private static let kernelPieceSize = 512 << 10
    /// Smaller parts of files are read; looking up their mapping would take as long.
    private static let mappedSize: UInt64 = 256 << 10

    /// While the client is slow, only encrypted bytes that the socket has not accepted yet are kept in memory.
    func sendPieces(of source: BodySource, _ exchange: Exchange) async throws(ExchangeFailure) -> Bool {
        var source = source
        if mayMap(source, exchange), let mappings = endpoint.worker.mappings { source.map(by: mappings) }
        var room = Self.bytesPerTurn
        var isPassed = false
        while source.count > 0 {
            switch try await step(source, exchange) {
            case nil: return true
            case .sent(let count):
                source.skip(count)
                room -= count
                if count > 0, unsafe exchange.storage.pointee.output.isEmpty { isPassed = true }
                guard room <= 0 else { continue }
                await endpoint.worker.nextTurn()
                if endpoint.isAborted { throw .aborted }
            case .wait(let interest): try await waitToSend(interest, exchange)
            case .load:
                try await load(source)
                source.noteLoaded(Self.loadSize)
            case .ended:
                if let mapping = source.mapping { endpoint.worker.mappings?.drop(mapping) }
                return false
            case .failed(let failure): throw .clientGone(failure)
            }
            room = Self.bytesPerTurn
            source.unmapIfChanged()
        }
        // Nothing may remain in the stream that only a further write would send.
        if isPassed { try await flush(exchange) }
        return true
    }

    /// Whether enough of a file is sent unframed, and not by the kernel, for mapping it to pay off.
    private func mayMap(_ source: BodySource, _ exchange: Exchange) -> Bool {
        guard source.file != nil, source.count >= Self.mappedSize, !stream.sendsFiles else { return false }
        guard case .unframed(let limit) = exchange.passage else { return false }
        return limit >= Self.mappedSize
    }

    /// Sends the next bytes; nil if the response has no room for them.
    private func step(_ source: BodySource, _ exchange: Exchange) async throws(ExchangeFailure) -> Step? {
        let storage = unsafe exchange.storage
        let waiting = unsafe storage.pointee.output.count
        switch exchange.passage {
        case .nothing: return nil
        case .unframed(let limit):
            if limit == 0 { return nil }
            if waiting > Self.collectedSize { try await flush(exchange) }
            if source.count + UInt64(waiting) <= UInt64(Self.collectedSize) { return collect(source, exchange) }
            return pass(source, upTo: Int(clamping: limit), exchange)
        case .framed:
            if waiting >= Self.pieceSize { try await flush(exchange) }
            return collect(source, exchange)
        }
    }

    /// Writes the next bytes to the stream, together with the head if that has not been sent.
    private func pass(_ source: BodySource, upTo limit: Int, _ exchange: Exchange) -> Step {
        switch stream.flush() {
        case .bytes: break
        case .wouldBlock(let interest): return .wait(interest)
        case .end: return .failed(.reset)
        case .failed(let failure): return .failed(failure)
        }
        let storage = unsafe exchange.storage
        if unsafe storage.pointee.output.isEmpty {
            let most = min(limit, Self.bytesPerTurn)
            let isMoreComing = most < min(limit, Int(clamping: source.count))
            if let bytes = unsafe source.bytes(upTo: most) {
                return unsafe moved(stream.write(bytes, isMoreComing: isMoreComing), exchange)
            }
            if let piece = source.piece(upTo: most) {
                guard source.isPresent(piece) else { return .load }
                return pass(piece, isMoreComing: isMoreComing, exchange)
            }
            if let file = source.file, let step = sendFile(file, source, upTo: limit, exchange) { return step }
        }
        return passPiece(source, upTo: limit, exchange)
    }

    /// Writes bytes of a mapped file to the stream, which sends nothing that is not the file's.
    private func pass(_ piece: MappedPiece, isMoreComing: Bool, _ exchange: Exchange) -> Step {
        let result = unsafe endpoint.worker.passing(piece) { bytes in
            unsafe stream.write(bytes, isMoreComing: isMoreComing)
        }
        return result == .failed(.contentLost) ? .ended : moved(result, exchange)
    }

    /// Makes the kernel send the next bytes; nil if it cannot.
    private func sendFile(_ file: OpenFile, _ source: BodySource, upTo limit: Int, _ exchange: Exchange) -> Step? {
        guard stream.sendsFiles else { return nil }
        let count = min(limit, Int(clamping: source.count), Self.kernelPieceSize)
        guard source.isPresent else { return .load }
        switch stream.sendFile(file, from: source.offset, count: count) {
        case nil: return nil
        case .end: return .ended
        case .some(let result): return moved(result, exchange)
        }
    }

    private func passPiece(_ source: BodySource, upTo limit: Int, _ exchange: Exchange) -> Step {
        let storage = unsafe exchange.storage
        let block = unsafe endpoint.worker.rentBlock()
        defer { unsafe endpoint.worker.returnBlock(block) }
        let head = unsafe storage.pointee.output.unsent
        unsafe block.copyMemory(from: head)
        let end = min(Self.pieceSize, head.count + min(limit, Int(clamping: source.count)))
        switch unsafe source.read(into: UnsafeMutableRawBufferPointer(rebasing: block[head.count..<end])) {
        case .bytes(let count):
            let piece = unsafe UnsafeRawBufferPointer(rebasing: block[..<(head.count + count)])
            let isMoreComing = count < min(limit, Int(clamping: source.count))
            return unsafe moved(stream.write(piece, isMoreComing: isMoreComing), exchange)
        case .absent: return .load
        case .ended: return .ended
        }
    }

    /// Accounts for the bytes that the stream accepted: first those of the head, then those of the body.
    private func moved(_ result: IOResult, _ exchange: Exchange) -> Step {
        let storage = unsafe exchange.storage
        switch result {
        case .bytes(let count):
            let head = min(count, unsafe storage.pointee.output.count)
            unsafe storage.pointee.output.sent(head)
            unsafe storage.pointee.response.noteSent(count - head)
            return .sent(count - head)
        case .wouldBlock(let interest): return .wait(interest)
        case .end: return .failed(.reset)
        case .failed(let failure): return .failed(failure)
        }
    }
}
