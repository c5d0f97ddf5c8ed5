import Transport

/// Passing parts of bodies to the stream of the connection.
extension HTTPConnection {
    /// The number of bytes read and written at once: five full TLS records, which are sent in one write to the socket.
    static let pieceSize = 80 << 10
    /// The number of bytes that a plain connection passes to the kernel at once.
    private static let kernelPieceSize = 512 << 10

    /// Writes the next bytes to the stream, together with the head if that has not been sent.
    func passNow(_ source: inout BodySource, upTo limit: Int, _ exchange: Exchange) -> PassResult {
        switch stream.flush() {
        case .bytes: break
        case .wouldBlock(let interest): return .wait(interest)
        case .end: return .failed(.reset)
        case .failed(let failure): return .failed(failure)
        }
        let storage = exchange.storage
        if storage.value.output.isEmpty {
            let most = min(limit, Self.bytesPerTurn)
            let isMoreComing = most < limit
            if let bytes = source.bytes(upTo: most) {
                return moved(stream.write(bytes, isMoreComing: isMoreComing), exchange)
            }
            if let piece = source.piece(upTo: most) {
                guard source.checkPresence(upTo: most) else { return .load }
                return pass(piece, isMoreComing: isMoreComing, exchange)
            }
            if let file = source.file, let step = sendFile(file, source, upTo: limit, exchange) { return step }
        }
        return passPiece(source, upTo: limit, exchange)
    }

    /// Writes bytes of a mapped file to the stream, which sends nothing that is not the file's.
    private func pass(_ piece: MappedPiece, isMoreComing: Bool, _ exchange: Exchange) -> PassResult {
        let result = endpoint.worker.passing(piece) { bytes in
            stream.write(bytes, isMoreComing: isMoreComing)
        }
        return result == .failed(.contentLost) ? .ended : moved(result, exchange)
    }

    /// Makes the kernel send the next bytes; nil if it cannot.
    private func sendFile(
        _ file: OpenFile, _ source: BodySource, upTo limit: Int, _ exchange: Exchange
    ) -> PassResult? {
        guard stream.sendsFiles else { return nil }
        let count = min(limit, Self.kernelPieceSize)
        guard source.isPresent else { return .load }
        switch stream.sendFile(file, from: source.offset, count: count) {
        case nil: return nil
        case .end: return .ended
        case .some(let result): return moved(result, exchange)
        }
    }

    private func passPiece(_ source: BodySource, upTo limit: Int, _ exchange: Exchange) -> PassResult {
        let storage = exchange.storage
        let block = endpoint.worker.rentBlock()
        defer { endpoint.worker.returnBlock(block) }
        let head = storage.value.output.unsent
        block.copy(head)
        let end = min(Self.pieceSize, head.count + limit)
        switch source.read(into: block[head.count..<end]) {
        case .bytes(let count):
            let piece = block[..<(head.count + count)]
            let isMoreComing = count < limit
            return moved(stream.write(piece.view, isMoreComing: isMoreComing), exchange)
        case .absent: return .load
        case .ended: return .ended
        }
    }

    /// Accounts for the bytes that the stream accepted: first those of the head, then those of the body.
    private func moved(_ result: IOResult, _ exchange: Exchange) -> PassResult {
        let storage = exchange.storage
        switch result {
        case .bytes(let count):
            let head = min(count, storage.value.output.count)
            storage.value.output.sent(head)
            storage.value.response.noteSent(count - head)
            return .sent(count - head)
        case .wouldBlock(let interest): return .wait(interest)
        case .end: return .failed(.reset)
        case .failed(let failure): return .failed(failure)
        }
    }
}
