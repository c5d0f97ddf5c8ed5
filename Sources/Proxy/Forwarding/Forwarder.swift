import HTTP
import Transport

/// Obtains the response of a server to a request: selects a server, finds a connection, and retries where that is
/// harmless.
struct Forwarder {
    let upstream: Upstream
    let route: ProxyRoute
    let reporter: any ProxyReporter
    /// The subrequest that is sent in place of the request; nil for the request itself, whose response is the client's.
    var question: AuthorizationQuestion?

    /// Buffered bodies; nil for those that are streamed.
    struct Held {
        var request: Spool?
        var response: HeldResponse?
    }

    /// Obtains a server's response; retries on another connection or at another server where that is harmless.
    @inline(__always)
    func forward(_ exchange: Exchange, holding held: Held) async throws(ForwardingFailure) {
        let attempt = upstream.lendExchange()
        var failure: ForwardingFailure?
        do throws(ForwardingFailure) {
            try await forward(exchange, attempt, held)
        } catch {
            failure = error
        }
        upstream.takeBack(attempt)
        if let failure { throw failure }
    }

    @inline(__always)
    private func forward(
        _ exchange: Exchange, _ attempt: UpstreamExchange, _ held: Held
    ) async throws(ForwardingFailure) {
        upstream.budget.noteRequest()
        if question == nil, exchange.keepsTimes { exchange.noteQueued(at: upstream.worker.now) }
        let end = upstream.worker.now.advanced(by: question?.timeout ?? upstream.settings.requestTimeout)
        var tried = TriedServers()
        var retries = upstream.settings.retries
        var lastFailure = ProxyFailure.noServer
        var isFresh = false
        var next = try await place(exchange, except: tried, until: end)
        while true {
            guard let server = next.take() else {
                if lastFailure == .noServer {
                    report(.noServer, exchange)
                }
                throw .upstream(lastFailure)
            }
            do throws(ForwardingFailure) {
                try await send(exchange, to: server, attempt, held, isFresh: isFresh, until: end)
                upstream.state.requestSucceeded(server.state)
                return upstream.leave(server)
            } catch {
                guard case .upstream(let failure) = error else {
                    upstream.leave(server)
                    throw error
                }
                if isStale(failure, attempt, exchange) {
                    isFresh = true
                    next = server
                    attempt.reset()
                    continue
                }
                upstream.leave(server)
                note(failure, of: server, exchange)
                guard retries > 0, mayRepeat(failure, attempt, exchange), upstream.budget.spend() else { throw error }
                lastFailure = failure
                retries -= 1
                server.counters.retries.add()
                tried.insert(server)
                attempt.reset()
            }
            isFresh = false
            next = try await place(exchange, except: tried, until: end)
        }
    }

    private func place(
        _ exchange: Exchange, except tried: TriedServers, until end: Deadline
    ) async throws(ForwardingFailure) -> UpstreamServer? {
        do throws(ForwardingFailure) {
            return try await upstream.place(for: exchange, except: tried, until: end)
        } catch {
            if case .upstream(let failure) = error {
                report(failure, exchange)
            }
            throw error
        }
    }

    /// - Parameter server: nil for a failure without a server.
    func report(_ failure: ProxyFailure, of server: UpstreamServer? = nil, _ exchange: Exchange) {
        reporter.report(
            failure, upstream: upstream.settings.name, server: server?.name, request: exchange.requestID)
    }

    private func note(_ failure: ProxyFailure, of server: UpstreamServer, _ exchange: Exchange) {
        server.counters.failures.add()
        report(failure, of: server, exchange)
        guard failure.speaksAgainstServer, upstream.state.requestFailed(server.state, at: upstream.worker.now) else {
            return
        }
        server.counters.ejections.add()
        reporter.ejected(server.name, upstream: upstream.settings.name)
    }

    /// Whether a kept connection turned out to be closed, and the request can be sent on another one.
    private func isStale(_ failure: ProxyFailure, _ attempt: UpstreamExchange, _ exchange: Exchange) -> Bool {
        guard failure.isBreak, attempt.isOnKeptConnection else { return false }
        return isUnharmed(attempt, exchange)
    }

    private func mayRepeat(_ failure: ProxyFailure, _ attempt: UpstreamExchange, _ exchange: Exchange) -> Bool {
        failure.isBeforeSending || failure.isBreak && isUnharmed(attempt, exchange)
    }

    /// Whether sending the request again is harmless: no server can have processed it, or it is idempotent (RFC 9110
    /// §9.2.2).
    private func isUnharmed(_ attempt: UpstreamExchange, _ exchange: Exchange) -> Bool {
        !attempt.hasResponse && !attempt.tookBody && !exchange.isResponseBegun
            && (attempt.sentCount == 0 || isIdempotent(exchange))
    }

    private func isIdempotent(_ exchange: Exchange) -> Bool {
        question != nil || exchange.head.method.isIdempotent
    }

    @inline(__always)
    private func send(
        _ exchange: Exchange, to server: UpstreamServer, _ attempt: UpstreamExchange, _ held: Held, isFresh: Bool,
        until end: Deadline
    ) async throws(ForwardingFailure) {
        if question == nil {
            exchange.noteServer(server.name, of: upstream.settings.name, at: upstream.worker.now)
        }
        server.activeRequests += 1
        server.counters.requests.add()
        let began = upstream.worker.now
        defer {
            server.activeRequests -= 1
            server.counters.milliseconds.add(upstream.worker.now.milliseconds - began.milliseconds)
        }
        let connection: UpstreamConnection
        if !isFresh, let kept = server.idle.take(now: upstream.worker.now, isConfirmed: !isIdempotent(exchange)) {
            connection = kept
            attempt.isOnKeptConnection = true
        } else {
            connection = try await upstream.connect(to: server, for: exchange, until: end)
            server.counters.connections.add()
        }
        if question == nil, exchange.keepsTimes { exchange.noteConnected(at: upstream.worker.now) }
        do throws(ForwardingFailure) {
            try begin(attempt, exchange, server, held)
            let ending = try await attempt.relay(exchange, connection, route, until: end)
            if server.isSecure, !connection.isReused {
                server.resumption = upstream.security?.resumption(of: connection.stream) ?? server.resumption
            }
            switch ending {
            case .complete(isReusable: true): upstream.keep(connection, to: server)
            case .complete(isReusable: false): connection.close()
            case .switched: break
            }
        } catch {
            connection.reset()
            throw error
        }
    }

    private func begin(
        _ attempt: UpstreamExchange, _ exchange: Exchange, _ server: UpstreamServer, _ held: Held
    ) throws(ForwardingFailure) {
        let request = ForwardedRequest(exchange, body: held.request, question: question)
        guard request.append(to: &attempt.output, route, server, question) else {
            throw .client(.rejected(.pathEscapesRoot))
        }
        unsafe attempt.server = server
        attempt.upgrade = request.upgrade
        attempt.framing = request.framing
        if held.response != nil { attempt.held = held.response }
        attempt.isInquiry = question != nil
        guard question == nil else { return }
        if let field = upstream.stickyField(for: server, exchange) { attempt.stickyField = field }
        if held.request != nil {
            attempt.body = held.request
            attempt.upload = .streaming
        } else if exchange.hasBodyEnded {
            attempt.upload = .none
        } else {
            attempt.upload = exchange.head.expectsContinue ? .awaitingContinue : .streaming
        }
    }
}

extension Method {
    /// RFC 9110 §9.2.2; an unknown method is not.
    var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }
}
