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
        let storage = unsafe exchange.storage
        if unsafe storage.pointee.output.isEmpty {
            let most = min(limit, Self.bytesPerTurn)
            let isMoreComing = most < limit
            if let bytes = unsafe source.bytes(upTo: most) {
                return unsafe moved(stream.write(bytes, isMoreComing: isMoreComing), exchange)
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
        let result = unsafe endpoint.worker.passing(piece) { bytes in
            unsafe stream.write(bytes, isMoreComing: isMoreComing)
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
        let storage = unsafe exchange.storage
        let block = unsafe endpoint.worker.rentBlock()
        defer { unsafe endpoint.worker.returnBlock(block) }
        let head = unsafe storage.pointee.output.unsent
        unsafe block.copyMemory(from: head)
        let end = min(Self.pieceSize, head.count + limit)
        switch unsafe source.read(into: UnsafeMutableRawBufferPointer(rebasing: block[head.count..<end])) {
        case .bytes(let count):
            let piece = unsafe UnsafeRawBufferPointer(rebasing: block[..<(head.count + count)])
            let isMoreComing = count < limit
            return unsafe moved(stream.write(piece, isMoreComing: isMoreComing), exchange)
        case .absent: return .load
        case .ended: return .ended
        }
    }

    /// Accounts for the bytes that the stream accepted: first those of the head, then those of the body.
    private func moved(_ result: IOResult, _ exchange: Exchange) -> PassResult {
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
