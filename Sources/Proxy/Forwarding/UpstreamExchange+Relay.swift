import HTTP
import Transport

// Relays one request to a server and its response back, both at the same time.
extension UpstreamExchange {
    /// How an exchange with a server ended successfully.
    enum Ending {
        /// The response is complete; whether the connection may be used again.
        case complete(isReusable: Bool)
        /// The protocol was switched; the connection belongs to the tunnel.
        case switched
    }

    /// The next event to wait for, and the failure if it does not come.
    private struct Waiting {
        var client: Interest = .hangup
        var server = Interest()
        var deadline: Deadline
        var expiry: Expiry

        mutating func until(_ candidate: Deadline, _ expiry: Expiry) {
            guard candidate < deadline else { return }
            deadline = candidate
            self.expiry = expiry
        }
    }

    private enum Expiry {
        case requestTimeout, sendTimeout, responseTimeout, readTimeout
        case body, response, continuation
    }

    /// Bytes collected for one side before the other has to wait.
    private static var highWater: Int { 64 << 10 }

    /// Bytes of a response after which a server and a client that never block yield to other connections.
    private static var bytesPerTurn: Int { 1 << 20 }

    /// Sends the request, whose head is in `output`, and passes the response to the client.
    ///
    /// - Parameter end: when the request's time expires.
    @inline(__always)
    func relay(
        _ exchange: Exchange, _ connection: UpstreamConnection, _ route: ProxyRoute, until end: Deadline
    ) async throws(ForwardingFailure) -> Ending {
        let client = exchange.endpoint
        let continueDeadline = worker.now.advanced(by: UpstreamSettings.continueTimeout)
        var headDeadline = Deadline.never
        var room = Self.bytesPerTurn
        while true {
            var waiting = Waiting(deadline: end, expiry: .requestTimeout)
            let isMoreOfBody = try takeBody(exchange, route, &room, &waiting)
            send(connection, exchange, &waiting)
            let wasHeldBack = upload == .awaitingContinue
            if let ending = try receive(exchange, connection, route, &room, &waiting) { return ending }
            if room <= 0 {
                room = Self.bytesPerTurn
                await worker.nextTurn()
                if client.isAborted { throw .client(.aborted) }
                continue
            }
            if isMoreOfBody && output.isEmpty || wasHeldBack && upload != .awaitingContinue { continue }
            room = Self.bytesPerTurn
            if upload != .streaming { waiting.client = waiting.client | .finished }
            if upload == .awaitingContinue { waiting.until(continueDeadline, .continuation) }
            if case .head = download, upload == .none, output.isEmpty {
                if headDeadline == .never { headDeadline = worker.now.advanced(by: settings.responseTimeout) }
                waiting.until(headDeadline, .responseTimeout)
            }
            switch await client.wait(
                for: waiting.client, or: waiting.server, on: connection.endpoint, until: waiting.deadline)
            {
            case .ready, .signalled, .draining: continue
            case .hangup: throw .client(.clientGone(.reset))
            case .aborted: throw .client(.aborted)
            case .deadline: try expire(waiting.expiry, exchange)
            }
        }
    }

    private func expire(_ expiry: Expiry, _ exchange: Exchange) throws(ForwardingFailure) {
        switch expiry {
        case .requestTimeout: throw .upstream(.requestTimeout)
        case .sendTimeout: throw .upstream(.sendTimeout)
        case .responseTimeout: throw .upstream(.responseTimeout)
        case .readTimeout: throw .upstream(.readTimeout)
        case .body: try judge { () throws(ExchangeFailure) in try exchange.judgeBody() }
        case .response: try judge { () throws(ExchangeFailure) in try exchange.judgeResponse() }
        // The server may not support 100 (Continue); RFC 9110 §10.1.1 also requires the client not to wait
        // indefinitely.
        case .continuation: upload = .streaming
        }
    }

    private func judge(_ client: () throws(ExchangeFailure) -> Void) throws(ForwardingFailure) {
        do throws(ExchangeFailure) { try client() } catch { throw .client(error) }
    }

    // MARK: To the server

    /// Takes what the client has sent, up to a limit; true when there may be more now.
    // Not inlined, as `receive` is not: each place that may wait would repeat the rest of its function.
    @inline(never)
    private func takeBody(
        _ exchange: Exchange, _ route: ProxyRoute, _ room: inout Int, _ waiting: inout Waiting
    ) throws(ForwardingFailure) -> Bool {
        guard upload == .streaming else { return false }
        if let body { return try takeHeldBody(body, exchange, route, &room) }
        do throws(ExchangeFailure) {
            while output.count < Self.highWater {
                switch try exchange.readBodyNow() {
                case .content(let piece):
                    room -= piece.count
                    append(piece)
                case .ended:
                    endBody(trailers: route.passedTrailers(of: exchange))
                    return false
                case .wouldBlock(let interest):
                    waiting.client = waiting.client | interest
                    waiting.until(exchange.bodyDeadline, .body)
                    return false
                }
            }
        } catch {
            throw .client(error)
        }
        return true
    }

    private func takeHeldBody(
        _ body: Spool, _ exchange: Exchange, _ route: ProxyRoute, _ room: inout Int
    ) throws(ForwardingFailure) -> Bool {
        do throws(Spool.Failure) {
            while output.count < Self.highWater {
                guard let count = try takeHeldPiece(of: body) else {
                    endBody(trailers: route.passedTrailers(of: exchange))
                    return false
                }
                room -= count
            }
        } catch {
            guard case .system(let code) = error else { preconditionFailure("only appending meets the limit") }
            throw .upstream(.requestNotHeld(code))
        }
        return true
    }

    private func send(_ connection: UpstreamConnection, _ exchange: Exchange, _ waiting: inout Waiting) {
        while !isSendingBroken {
            let isEmpty = output.isEmpty
            switch isEmpty ? connection.stream.flush() : write(to: connection.stream, exchange) {
            case .bytes(let count):
                if isEmpty { return }
                output.sent(count)
                sentCount += count
            case .wouldBlock(let interest):
                waiting.server = waiting.server | interest
                return waiting.until(worker.now.advanced(by: settings.sendTimeout), .sendTimeout)
            case .end, .failed:
                isSendingBroken = true
                upload = .none
                output.removeAll()
            }
        }
    }

    /// The end of a request may be sent together with those of others, unless it matters whether any of it was sent.
    @inline(__always)
    private func write(to stream: any ByteStream, _ exchange: Exchange) -> IOResult {
        let leavesLate = upload == .none && exchange.head.method.isIdempotent
        return leavesLate ? stream.writeAtEndOfTurn(output.unsent) : stream.write(output.unsent)
    }

    // MARK: From the server

    @inline(never)
    private func receive(
        _ exchange: Exchange, _ connection: UpstreamConnection, _ route: ProxyRoute, _ room: inout Int,
        _ waiting: inout Waiting
    ) throws(ForwardingFailure) -> Ending? {
        let now = worker.now
        while room > 0 {
            let ending = try process(exchange, connection, route)
            if let failure = held?.failure { throw .upstream(failure) }
            if let ending { return ending }
            if exchange.outputCount >= Self.highWater {
                // Received bytes that have not been processed come before bytes that are still to be received.
                guard let interest = try flush(exchange, whole: false) else { continue }
                waiting.client = waiting.client | interest
                waiting.until(exchange.responseDeadline, .response)
                return nil
            }
            switch connection.stream.read(into: self.room) {
            case .bytes(let count):
                received(count)
                room -= count
            case .wouldBlock(let interest):
                waiting.server = waiting.server | interest
                if case .body = download {
                    waiting.until(now.advanced(by: settings.readTimeout), .readTimeout)
                }
                // What the server sends in pieces reaches the client in pieces.
                if let interest = try flush(exchange, whole: true) {
                    waiting.client = waiting.client | interest
                    waiting.until(exchange.responseDeadline, .response)
                }
                return nil
            case .end: return try serverEnded(exchange, isClean: true)
            case .failed: return try serverEnded(exchange, isClean: false)
            }
        }
        return nil
    }

    private func flush(_ exchange: Exchange, whole: Bool) throws(ForwardingFailure) -> Interest? {
        do throws(ExchangeFailure) {
            return try exchange.flushNow(whole: whole)
        } catch {
            throw .client(error)
        }
    }

    private func serverEnded(_ exchange: Exchange, isClean: Bool) throws(ForwardingFailure) -> Ending? {
        guard case .body(let body) = download else {
            throw .upstream(isSendingBroken ? .sendFailed : .closedBeforeResponse)
        }
        guard isClean, body.isWholeAtClose() else { throw .upstream(.closedInBody) }
        if held == nil { exchange.finish() }
        return .complete(isReusable: false)
    }

    /// Processes the received bytes as far as possible; nil when more are needed.
    private func process(
        _ exchange: Exchange, _ connection: UpstreamConnection, _ route: ProxyRoute
    ) throws(ForwardingFailure) -> Ending? {
        do throws(ResponseRejection) {
            while true {
                switch download {
                case .head:
                    guard !unread.isEmpty,
                        try parser.parse(unread.bytes, toHEAD: !isInquiry && exchange.head.method == .head)
                    else { return nil }
                    if try takeHead(exchange, connection, route) { return .switched }
                case .body(var body):
                    let step = try body.next(unread.bytes)
                    download = .body(body)
                    switch step {
                    case .content(let range):
                        let piece = unread[range]
                        if let held { held.append(piece) } else { exchange.write(piece) }
                        consume(range.upperBound)
                        if exchange.outputCount >= Self.highWater { return nil }
                    case .trailer(let range):
                        let line = unread[range]
                        if TrailerPolicy.passes(line: line.bytes) {
                            fields.append(line)
                            fields.append("\r\n")
                        }
                        consume(range.upperBound + 2)
                    case .receive(let consumed):
                        consume(consumed)
                        return nil
                    case .ended(let consumed):
                        consume(consumed)
                        if let held {
                            held.end(trailers: fields.unsent)
                        } else {
                            exchange.finish(trailers: fields.unsent)
                        }
                        download = .done
                    }
                case .done:
                    return .complete(isReusable: isReusable(connection))
                }
            }
        } catch {
            throw .upstream(.refused(error))
        }
    }

    /// Whether the connection is at the boundary between a response and the next request: nothing left to send, and
    /// nothing received that belongs to neither.
    private func isReusable(_ connection: UpstreamConnection) -> Bool {
        guard parser.head.keepAlive, upload == .none, output.isEmpty, !isSendingBroken, unread.isEmpty else {
            return false
        }
        // A byte that has already arrived, even if only inside TLS, would be interpreted as the next response.
        guard case .wouldBlock = connection.stream.read(into: room) else { return false }
        return true
    }
}
