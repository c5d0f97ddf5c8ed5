import Transport

/// A client connection that uses HTTP/1: reads requests, has them answered in order, and sends the responses together.
///
/// This is the only part of HTTP/1 that waits. All available requests are answered before anything is sent, and all
/// output is sent in one write. While no request is in progress the connection has no buffers.
package final class HTTPConnection: ClientConnection {
    private let socket: Endpoint

    /// Whether a request has been answered.
    private var hasServed = false

    /// The limit of unsent output beyond which it is sent before further requests are answered.
    private static let outputHighWater = 64 << 10
    /// If more output than this is unsent, the response is logged after it has been sent.
    private static let loggedLate = 16 << 10

    /// The state of the connection after a round of requests.
    private enum Turn: Equatable {
        /// All received requests have been answered.
        case idle
        case close
        /// Like `close`, but the client may still be sending.
        case linger
        /// Nothing can be sent to the client any more.
        case reset
    }

    package init(_ stream: any ByteStream, service: HTTPService) {
        socket = stream.endpoint
        super.init(stream, waitingAt: stream.endpoint, service: service)
    }

    /// Serves the connection to its end and closes it.
    package func serve() async {
        while true {
            let exchange = service.rent(for: self)
            let turn = await converse(exchange)
            service.giveBack(exchange)
            if let successor {
                let observer = successionObserver
                guard turn == .close else {
                    if countedClient != nil { uncountNamedClient() }
                    successor.connectionLost()
                    observer?.ended(SuccessionTally())
                    return await end(turn)
                }
                let tally = await successor.take(stream)
                if countedClient != nil { uncountNamedClient() }
                observer?.ended(tally)
                return
            }
            if turn == .idle, await awaitRequest() { continue }
            await end(turn)
            return
        }
    }

    // MARK: One round of requests

    @inline(never)
    private func converse(_ exchange: Exchange) async -> Turn {
        let storage = exchange.storage
        storage.value.beginRequest()
        var headDeadline = Deadline.never
        while true {
            while storage.value.cursor < storage.value.filled {
                do throws(RequestRejection) {
                    guard try storage.value.parser.parse(storage.value.received.bytes) else { break }
                } catch {
                    return await reject(exchange, error)
                }
                headDeadline = .never
                if let turn = await answer(exchange) { return turn }
            }
            if !storage.value.output.isEmpty { sendAtEndOfTurn(exchange) }
            // The stream may still buffer a part of a large response when the output is empty.
            guard await send(exchange) else { return .reset }
            switch stream.read(into: storage.value.roomForHead()) {
            case .bytes(let count):
                if storage.value.cursor == storage.value.filled {
                    storage.value.began = endpoint.worker.now
                } else {
                    exchange.noteHeadRead(at: endpoint.worker.now)
                }
                storage.value.filled += count
                if storage.value.isFirstInputFull { readOn(exchange) }
            case .wouldBlock(let interest):
                if storage.value.cursor == storage.value.filled { return .idle }
                if headDeadline == .never {
                    // The time starts here and not at `began`: the head may have been received while an earlier request
                    // was processed.
                    headDeadline = endpoint.worker.now.advanced(by: service.limits.headerTimeout)
                }
                switch await endpoint.wait(for: interest, until: headDeadline) {
                case .ready, .signalled, .draining, .hangup: continue
                case .deadline: return await reject(exchange, .headTimeout)
                case .aborted: return .reset
                }
            case .end: return .close
            case .failed: return .reset
            }
        }
    }

    /// Reads once more, into a larger input, so that all available requests are answered together. Results other than
    /// bytes occur again at the next read.
    @inline(never)
    private func readOn(_ exchange: Exchange) {
        let storage = exchange.storage
        if case .bytes(let count) = stream.read(into: storage.value.roomForHead()) {
            storage.value.filled += count
        }
    }

    /// Answers the request whose head is complete; nil if the next one may follow.
    @inline(__always)
    private func answer(_ exchange: Exchange) async -> Turn? {
        let storage = exchange.storage
        hasServed = true
        do throws(RequestRejection) {
            try prepare(exchange)
        } catch {
            return await reject(exchange, error, at: .routing)
        }
        switch service.answer(exchange) {
        case .answered:
            if storage.value.errorRequest != nil, let turn = await complete(exchange) { return turn }
        case .refused(let rejection): return await reject(exchange, rejection, at: .answering)
        case .handler(let handler):
            if storage.value.namedClient != nil, !countNamedClient(exchange) {
                return await reject(exchange, .tooManyConnections, at: .answering)
            }
            do throws(ExchangeFailure) {
                try await handler.handle(exchange)
            } catch {
                if countedClient != nil { uncountNamedClient() }
                return await abandon(exchange, error)
            }
            // A connection that switches protocols is counted until it ends.
            if countedClient != nil, successor == nil { uncountNamedClient() }
            if storage.value.errorRequest != nil, let turn = await complete(exchange) { return turn }
            if !exchange.isResponseFinished { exchange.abandonResponse() }
        }
        // The log line of a large response states whether it was sent completely.
        if storage.value.output.count >= Self.loggedLate, service.router.observesExchanges {
            do throws(ExchangeFailure) {
                try await flush(exchange)
            } catch {
                return await abandon(exchange, error)
            }
        }
        service.observe(exchange)
        if storage.value.resetsConnection {
            _ = await send(exchange)
            return .reset
        }
        if storage.value.bodyDecoder != nil { storage.value.endDecoding() }
        if !storage.value.body.hasEnded {
            guard await dropBody(exchange) else {
                guard await send(exchange) else { return .reset }
                return .linger
            }
        }
        if storage.value.response.closes {
            guard await send(exchange) else { return .reset }
            return storage.value.cursor < storage.value.filled ? .linger : .close
        }
        if storage.value.output.count >= Self.outputHighWater {
            guard await send(exchange) else { return .reset }
        }
        storage.value.beginRequest()
        return nil
    }

    /// Has the site's route answer an error; nil if the exchange can continue.
    @inline(never)
    private func complete(_ exchange: Exchange) async -> Turn? {
        do throws(ExchangeFailure) {
            try await answerError(exchange)
            return nil
        } catch {
            return await abandon(exchange, error)
        }
    }

    @inline(never)
    private func abandon(_ exchange: Exchange, _ failure: ExchangeFailure) async -> Turn {
        if case .rejected(let rejection) = failure, !exchange.isResponseBegun {
            return await reject(exchange, rejection, at: .answering)
        }
        logAborted(exchange, failure)
        return .reset
    }

    @inline(__always)
    private func prepare(_ exchange: Exchange) throws(RequestRejection) {
        let storage = exchange.storage
        let head = exchange.head
        storage.value.cursor = storage.value.headStart + head.length
        if head.framing != .none {
            storage.value.makeRoomForBody()
            try beginBody(exchange, head)
        }
        try prepareRouting(exchange, head)
    }

    // MARK: Body

    /// Reads the rest of the body that the handler has not read; false if it is too large or is not going to arrive.
    private func dropBody(_ exchange: Exchange) async -> Bool {
        let storage = exchange.storage
        guard !storage.value.response.closes, !storage.value.body.expectsContinue else { return false }
        var dropped = 0
        do throws(ExchangeFailure) {
            while let piece = try await readBody(exchange) {
                dropped += piece.count
                if dropped > service.limits.unreadBody { return false }
            }
            return true
        } catch {
            if case .rejected(let rejection) = error {
                service.router.rejected(rejection, on: self, as: exchange.requestID)
            }
            return false
        }
    }

    override func receiveMore(_ exchange: Exchange) -> IOResult {
        stream.read(into: exchange.storage.value.roomForBody())
    }

    // MARK: Sending

    // Like the method that it overrides, but without dynamic dispatch.
    override func flush(_ exchange: Exchange) async throws(ExchangeFailure) {
        while let interest = try flushNow(exchange) { try await waitToSend(interest, exchange) }
    }

    @inline(__always)
    override func flushNow(_ exchange: Exchange) throws(ExchangeFailure) -> Interest? {
        let storage = exchange.storage
        while true {
            let result: IOResult
            if storage.value.output.isEmpty {
                result = stream.flush()
                if case .bytes = result { return nil }
            } else {
                result = stream.write(storage.value.output.unsent)
            }
            switch result {
            case .bytes(let count):
                storage.value.output.sent(count)
                if storage.value.responseMeter.isWaiting { clientTookMore(exchange) }
            case .wouldBlock(let interest): return interest
            case .end: throw .clientGone(.reset)
            case .failed(let failure): throw .clientGone(failure)
            }
        }
    }

    /// Defers output that can be sent together with that of other connections; the rest remains for `send`.
    @inline(__always)
    private func sendAtEndOfTurn(_ exchange: Exchange) {
        let storage = exchange.storage
        if case .bytes(let count) = stream.writeAtEndOfTurn(storage.value.output.unsent) {
            storage.value.output.sent(count)
        }
    }

    @inline(__always)
    private func send(_ exchange: Exchange) async -> Bool {
        do throws(ExchangeFailure) {
            try await flush(exchange)
            if exchange.storage.value.responseMeter.hasBegun { endResponseTransfer(exchange) }
            return true
        } catch {
            noteCut(error)
            return false
        }
    }

    override func pass(
        _ source: inout BodySource, upTo limit: Int, _ exchange: Exchange
    ) throws(ExchangeFailure) -> PassResult {
        passNow(&source, upTo: limit, exchange)
    }

    /// On a plain connection the kernel sends files.
    override var sendsMapped: Bool { !stream.sendsFiles }

    override var framedLimit: Int { Self.pieceSize }

    // MARK: Rejecting

    /// Answers a request that cannot be trusted with a small response and closes the connection.
    private func reject(
        _ exchange: Exchange, _ rejection: RequestRejection, at stage: Stage = .parsing
    ) async -> Turn {
        refuse(exchange, rejection, at: stage)
        return await send(exchange) ? .linger : .reset
    }

    // MARK: Between requests, and closing

    @inline(never)
    private func awaitRequest() async -> Bool {
        // A new connection is expected to send a request.
        let limit = hasServed ? service.limits.idleTimeout : service.limits.headerTimeout
        var deadline = endpoint.worker.now.advanced(by: limit)
        var interest: Interest = .readable | .drain
        while true {
            if endpoint.worker.isDraining && interest.contains(.drain) {
                interest = .readable
                deadline = min(deadline, endpoint.worker.now.advanced(by: ConnectionLimits.drainLinger))
            }
            switch await endpoint.wait(for: interest, until: deadline) {
            case .ready: return true
            case .draining, .signalled: continue
            case .deadline, .aborted, .hangup: return false
            }
        }
    }

    @inline(never)
    private func end(_ turn: Turn) async {
        switch turn {
        case .idle, .close:
            await sendRest()
            finishStream()
            socket.close()
        case .linger:
            await stream.closeLingering(service.limits.linger)
        case .reset:
            await stream.closeBroken(service.limits.linger)
        }
    }

    /// Waits until the client has accepted the rest of a send that was deferred to the end of a turn.
    private func sendRest() async {
        guard socket.hasRest else { return }
        let deadline = endpoint.worker.now.advanced(by: service.limits.writeTimeout)
        while socket.hasRest, await endpoint.wait(for: .writable, until: deadline) == .ready {}
    }

    override func finishStream() {
        if !socket.hasFinishedSending { stream.finish() }
    }
}
