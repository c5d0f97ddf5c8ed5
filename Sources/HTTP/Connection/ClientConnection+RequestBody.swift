import Transport

/// Reading the body of a request: the received part, and more as it arrives.
extension ClientConnection {
    func readBody(_ exchange: Exchange) async throws(ExchangeFailure) -> UnsafeRawBufferPointer? {
        while true {
            switch unsafe try nextBodyStep(exchange) {
            case .content(let piece): return unsafe piece
            case .ended: return nil
            case .receive: try await receiveBody(exchange)
            }
        }
    }

    /// The next piece of the body, as far as it has been received.
    @unsafe
    enum BodyStep {
        case content(UnsafeRawBufferPointer)
        case receive, ended
    }

    @inline(__always)
    func nextBodyStep(_ exchange: Exchange) throws(ExchangeFailure) -> BodyStep {
        let storage = unsafe exchange.storage
        if let substitute = unsafe storage.pointee.substitute {
            if let entity = unsafe substitute.takeEntity() { return unsafe .content(entity) }
            guard substitute.continuesWithClient else { return unsafe .ended }
        }
        if let decoder = unsafe storage.pointee.bodyDecoder { return unsafe try nextDecodedStep(exchange, decoder) }
        return unsafe try nextCodedStep(exchange)
    }

    /// The next piece of the body as the client sent it.
    @inline(__always)
    func nextCodedStep(_ exchange: Exchange) throws(ExchangeFailure) -> BodyStep {
        let storage = unsafe exchange.storage
        if unsafe storage.pointee.body.isFramed { return unsafe try nextFramedStep(exchange) }
        while true {
            let step: RequestBody.Step
            let start = unsafe storage.pointee.cursor
            let unread = unsafe UnsafeRawBufferPointer(
                rebasing: UnsafeRawBufferPointer(storage.pointee.input)[start..<storage.pointee.filled])
            do throws(RequestRejection) {
                step = try unsafe storage.pointee.body.next(unread.bytes, limit: exchange.bodyLimit)
            } catch {
                throw .rejected(error)
            }
            switch step {
            case .content(let range, let consumed):
                unsafe storage.pointee.cursor += consumed
                return unsafe .content(UnsafeRawBufferPointer(rebasing: unread[range]))
            case .trailer(let range, let consumed):
                unsafe takeTrailer(UnsafeRawBufferPointer(rebasing: unread[range]), exchange)
                unsafe storage.pointee.cursor += consumed
            case .ended(let consumed):
                unsafe storage.pointee.cursor += consumed
                return unsafe .ended
            case .receive(let consumed):
                unsafe storage.pointee.cursor += consumed
                return unsafe .receive
            }
        }
    }

    /// Stores a trailer field, unless it is forbidden in trailers or has the name of a field that the gateway sets.
    @inline(never)
    func takeTrailer(_ line: UnsafeRawBufferPointer, _ exchange: Exchange) {
        let storage = unsafe exchange.storage
        let bytes = unsafe line.bytes
        let name = bytes.extracting(0..<bytes.first(ASCII.colon, from: 0, to: bytes.byteCount))
        guard TrailerPolicy.passes(name), !VariableName.isSame(name, as: service.requestIDs.variable) else { return }
        var substitute = unsafe storage.pointee.substitute
        while let current = substitute {
            if current.replacedNames.contains(where: { VariableName.isSame(name, as: $0) }) { return }
            substitute = current.outer
        }
        unsafe storage.pointee.trailers += line + [ASCII.carriageReturn, ASCII.lineFeed]
    }

    /// Like `readBody`, without waiting.
    func readBodyNow(_ exchange: Exchange) throws(ExchangeFailure) -> BodyPiece {
        while true {
            switch unsafe try nextBodyStep(exchange) {
            case .content(let piece): return unsafe .content(piece)
            case .ended: return unsafe .ended
            case .receive:
                appendOwedContinue(exchange)
                switch receiveMore(exchange) {
                case .bytes(let count): received(count, exchange)
                case .wouldBlock(let interest): return unsafe .wouldBlock(interest)
                case .end: throw .clientGone(.reset)
                case .failed(let failure): throw .clientGone(failure)
                }
            }
        }
    }

    private func appendOwedContinue(_ exchange: Exchange) {
        let storage = unsafe exchange.storage
        guard unsafe storage.pointee.body.owesContinue else { return }
        unsafe storage.pointee.body.continueSent()
        unsafe storage.pointee.output.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    private func receiveBody(_ exchange: Exchange) async throws(ExchangeFailure) {
        let storage = unsafe exchange.storage
        if unsafe storage.pointee.body.owesContinue {
            appendOwedContinue(exchange)
            try await flush(exchange)
        }
        while true {
            switch receiveMore(exchange) {
            case .bytes(let count): return received(count, exchange)
            case .wouldBlock(let interest):
                // Responses to earlier requests must not wait for this request's body.
                if unsafe !storage.pointee.output.isEmpty { try await flush(exchange) }
                switch await endpoint.wait(for: interest, until: bodyDeadline(exchange)) {
                case .ready, .signalled, .draining, .hangup: continue
                case .deadline: try judgeBody(exchange)
                case .aborted: throw .aborted
                }
            case .end: throw .clientGone(.reset)
            case .failed(let failure): throw .clientGone(failure)
            }
        }
    }

    @inline(__always)
    private func received(_ count: Int, _ exchange: Exchange) {
        let storage = unsafe exchange.storage
        unsafe storage.pointee.filled += count
        if unsafe storage.pointee.bodyMeter.isWaiting { clientSentMore(exchange) }
    }
}
