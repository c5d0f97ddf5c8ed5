import Transport

/// Sending what lies ready as a whole: files, and memory that need not be copied.
extension HTTPConnection {
    /// Bytes that are read and written at once: five full TLS records, which leave in one write to the socket.
    private static let pieceSize = 80 << 10
    /// Bytes that a plain connection asks the kernel to send at once.
    private static let kernelPieceSize = 512 << 10
    /// Less than this of a file is read; looking for its mapping would take as long.
    private static let mappedSize: UInt64 = 256 << 10

    /// While the client is slow, nothing is held but encrypted bytes that the socket did not take yet.
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
        // Nothing may stay with the stream that only a further write would send.
        if isPassed { try await flush(exchange) }
        return true
    }

    /// Whether so much of a file leaves unframed, and not by the kernel, that it is worth having it in memory.
    private func mayMap(_ source: BodySource, _ exchange: Exchange) -> Bool {
        guard source.file != nil, source.count >= Self.mappedSize, !stream.sendsFiles else { return false }
        guard case .unframed(let limit) = exchange.passage else { return false }
        return limit >= Self.mappedSize
    }

    /// Takes the next bytes along; nil when the response has no room for them.
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

    /// Gives the next bytes to the stream, together with the head when that has not been sent.
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

    /// Gives bytes of a mapped file to the stream, which sends nothing that is not the file's.
    private func pass(_ piece: MappedPiece, isMoreComing: Bool, _ exchange: Exchange) -> Step {
        let result = unsafe endpoint.worker.passing(piece) { bytes in
            unsafe stream.write(bytes, isMoreComing: isMoreComing)
        }
        return result == .failed(.contentLost) ? .ended : moved(result, exchange)
    }

    /// Has the kernel send the next bytes; nil where it cannot.
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

    /// What the stream took: first the head, then bytes of the body.
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
