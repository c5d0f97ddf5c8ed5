import Memory
import Transport

/// Reading the body of a request: the received part, and more as it arrives.
extension ClientConnection {
    func readBody(_ exchange: Exchange) async throws(ExchangeFailure) -> ByteView? {
        while true {
            switch try nextBodyStep(exchange) {
            case .content(let piece): return piece
            case .ended: return nil
            case .receive: try await receiveBody(exchange)
            }
        }
    }

    /// The next piece of the body, as far as it has been received.
    enum BodyStep {
        case content(ByteView)
        case receive, ended
    }

    @inline(__always)
    func nextBodyStep(_ exchange: Exchange) throws(ExchangeFailure) -> BodyStep {
        let storage = exchange.storage
        if let substitute = storage.value.substitute {
            if let entity = substitute.takeEntity() { return .content(entity) }
            guard substitute.continuesWithClient else { return .ended }
        }
        if let decoder = storage.value.bodyDecoder { return try nextDecodedStep(exchange, decoder) }
        return try nextCodedStep(exchange)
    }

    /// The next piece of the body as the client sent it.
    @inline(__always)
    func nextCodedStep(_ exchange: Exchange) throws(ExchangeFailure) -> BodyStep {
        let storage = exchange.storage
        if storage.value.body.isFramed {
            let step = try nextFramedStep(exchange)
            if case .content(let piece) = step { storage.value.receivedContent += UInt64(piece.count) }
            return step
        }
        while true {
            let step: RequestBody.Step
            let start = storage.value.cursor
            let unread = storage.value.input.view[start..<storage.value.filled]
            do throws(RequestRejection) {
                step = try storage.value.body.next(unread.bytes, limit: exchange.bodyLimit)
            } catch {
                throw .rejected(error)
            }
            switch step {
            case .content(let range, let consumed):
                storage.value.cursor += consumed
                storage.value.receivedContent += UInt64(range.count)
                return .content(unread[range])
            case .trailer(let range, let consumed):
                takeTrailer(unread[range], exchange)
                storage.value.cursor += consumed
            case .ended(let consumed):
                storage.value.cursor += consumed
                return .ended
            case .receive(let consumed):
                storage.value.cursor += consumed
                return .receive
            }
        }
    }

    /// Stores a trailer field, unless it is forbidden in trailers or has the name of a field that the gateway sets.
    @inline(never)
    func takeTrailer(_ line: ByteView, _ exchange: Exchange) {
        let storage = exchange.storage
        let bytes = line.bytes
        let name = bytes.extracting(0..<bytes.first(ASCII.colon, from: 0, to: bytes.byteCount))
        guard TrailerPolicy.passes(name), !VariableName.isSame(name, as: service.requestIDs.variable),
            exchange.traceContext?.replaces(name) != true
        else { return }
        var substitute = storage.value.substitute
        while let current = substitute {
            if current.replacedNames.contains(where: { VariableName.isSame(name, as: $0) }) { return }
            substitute = current.outer
        }
        storage.value.trailers += line + [ASCII.carriageReturn, ASCII.lineFeed]
    }

    /// Like `readBody`, without waiting.
    func readBodyNow(_ exchange: Exchange) throws(ExchangeFailure) -> BodyPiece {
        while true {
            switch try nextBodyStep(exchange) {
            case .content(let piece): return .content(piece)
            case .ended: return .ended
            case .receive:
                appendExpectedContinue(exchange)
                switch receiveMore(exchange) {
                case .bytes(let count): received(count, exchange)
                case .wouldBlock(let interest): return .wouldBlock(interest)
                case .end: throw .clientGone(.reset)
                case .failed(let failure): throw .clientGone(failure)
                }
            }
        }
    }

    private func appendExpectedContinue(_ exchange: Exchange) {
        let storage = exchange.storage
        guard storage.value.body.expectsContinue else { return }
        storage.value.body.continueSent()
        storage.value.output.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    private func receiveBody(_ exchange: Exchange) async throws(ExchangeFailure) {
        let storage = exchange.storage
        if storage.value.body.expectsContinue {
            appendExpectedContinue(exchange)
            try await flush(exchange)
        }
        while true {
            switch receiveMore(exchange) {
            case .bytes(let count): return received(count, exchange)
            case .wouldBlock(let interest):
                // Responses to earlier requests must not wait for this request's body.
                if !storage.value.output.isEmpty { try await flush(exchange) }
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
        let storage = exchange.storage
        storage.value.filled += count
        if storage.value.bodyMeter.isWaiting { clientSentMore(exchange) }
    }
}
