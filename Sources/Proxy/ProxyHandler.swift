import HTTP
import Transport

/// Passes requests on to the servers of an upstream and their responses back; one per route and worker.
package final class ProxyHandler: RequestHandler {
    private let upstream: Upstream
    private let route: ProxyRoute
    private let reporter: any ProxyReporter

    private let badGateway = ProxyHandler.message(502, "the server behind the gateway gave no valid response")
    private let unavailable = ProxyHandler.message(503, "no server is available", retryAfter: 1)
    private let late = ProxyHandler.message(504, "the server behind the gateway did not answer in time")

    package init(upstream: Upstream, route: ProxyRoute, reporter: any ProxyReporter) {
        self.upstream = upstream
        self.route = route
        self.reporter = reporter
    }

    package func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        let attempt = upstream.lendExchange()
        defer { upstream.takeBack(attempt) }
        do throws(ForwardingFailure) {
            try await forward(exchange, attempt)
        } catch {
            switch error {
            case .client(let failure): throw logged(failure, exchange)
            case .upstream(let failure): try answer(failure, exchange)
            }
        }
    }

    /// 499 is what nginx's logs made the name of a client that did not wait.
    private func logged(_ failure: ExchangeFailure, _ exchange: Exchange) -> ExchangeFailure {
        if case .clientGone = failure {
            exchange.setLogStatus(499)
            exchange.setLogReason("client gone")
        }
        return failure
    }

    private func answer(_ failure: ProxyFailure, _ exchange: Exchange) throws(ExchangeFailure) {
        exchange.setLogReason(failure.reason)
        guard exchange.isResponseBegun else {
            switch failure.status {
            case 503: exchange.fail(unavailable)
            case 504: exchange.fail(late)
            default: exchange.fail(badGateway)
            }
            return
        }
        // Where closing is the end of the message, only a reset can say that this is not its end.
        if exchange.isEndedByClosing { throw .aborted }
    }

    // MARK: Servers

    /// Has a server answer; tries another connection or another server where that cannot do harm.
    private func forward(_ exchange: Exchange, _ attempt: UpstreamExchange) async throws(ForwardingFailure) {
        upstream.budget.noteRequest()
        let end = upstream.worker.now.advanced(by: upstream.settings.requestTimeout)
        var tried = TriedServers()
        var retries = upstream.settings.retries
        var again: UpstreamServer?
        var lastFailure = ProxyFailure.noServer
        while true {
            var next = again
            if next == nil { next = try await place(exchange, except: tried, until: end) }
            guard let server = next else {
                if lastFailure == .noServer {
                    reporter.report(.noServer, upstream: upstream.settings.name, server: nil)
                }
                throw .upstream(lastFailure)
            }
            let isFresh = again != nil
            again = nil
            do throws(ForwardingFailure) {
                try await send(exchange, to: server, attempt, isFresh: isFresh, until: end)
                upstream.state.requestSucceeded(server.index)
                return upstream.leave(server)
            } catch {
                guard case .upstream(let failure) = error else {
                    upstream.leave(server)
                    throw error
                }
                if isStale(failure, attempt, exchange) {
                    again = server
                    attempt.reset()
                    continue
                }
                upstream.leave(server)
                note(failure, of: server)
                guard retries > 0, mayRepeat(failure, attempt, exchange), upstream.budget.spend() else { throw error }
                lastFailure = failure
                retries -= 1
                tried.insert(server)
                attempt.reset()
            }
        }
    }

    private func place(
        _ exchange: Exchange, except tried: TriedServers, until end: Deadline
    ) async throws(ForwardingFailure) -> UpstreamServer? {
        do throws(ForwardingFailure) {
            return try await upstream.place(for: exchange, except: tried, until: end)
        } catch {
            if case .upstream(let failure) = error {
                reporter.report(failure, upstream: upstream.settings.name, server: nil)
            }
            throw error
        }
    }

    private func note(_ failure: ProxyFailure, of server: UpstreamServer) {
        reporter.report(failure, upstream: upstream.settings.name, server: server.name)
        guard failure.speaksAgainstServer, upstream.state.requestFailed(server.index, at: upstream.worker.now) else {
            return
        }
        reporter.ejected(server.name, upstream: upstream.settings.name)
    }

    /// Whether a kept connection turned out to be closed, and the request can go out on another one.
    private func isStale(_ failure: ProxyFailure, _ attempt: UpstreamExchange, _ exchange: Exchange) -> Bool {
        guard failure.isBreak, attempt.connection?.isReused == true else { return false }
        return isUnharmed(attempt, exchange)
    }

    private func mayRepeat(_ failure: ProxyFailure, _ attempt: UpstreamExchange, _ exchange: Exchange) -> Bool {
        failure.isBeforeSending || failure.isBreak && isUnharmed(attempt, exchange)
    }

    /// Whether sending the request once more changes nothing: no server can have acted on it, or acting twice is the
    /// same as acting once (RFC 9110 §9.2.2).
    private func isUnharmed(_ attempt: UpstreamExchange, _ exchange: Exchange) -> Bool {
        !attempt.hasResponse && !attempt.tookBody && !exchange.isResponseBegun
            && (attempt.sentCount == 0 || exchange.head.method.isIdempotent)
    }

    private func send(
        _ exchange: Exchange, to server: UpstreamServer, _ attempt: UpstreamExchange, isFresh: Bool,
        until end: Deadline
    ) async throws(ForwardingFailure) {
        server.activeRequests += 1
        defer { server.activeRequests -= 1 }
        let kept =
            isFresh
            ? nil
            : server.idle.take(now: upstream.worker.now, isConfirmed: !exchange.head.method.isIdempotent)
        let connection: UpstreamConnection
        if let kept {
            connection = kept
        } else {
            connection = try await upstream.connect(to: server, for: exchange, until: end)
        }
        attempt.connection = connection
        do throws(ForwardingFailure) {
            try begin(attempt, exchange, server)
            switch try await attempt.relay(exchange, route, upstream.settings, until: end) {
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
        _ attempt: UpstreamExchange, _ exchange: Exchange, _ server: UpstreamServer
    ) throws(ForwardingFailure) {
        let request = ForwardedRequest(exchange, route: route, server: server)
        guard request.append(to: &attempt.output) else {
            throw .client(.rejected(.pathEscapesRoot))
        }
        attempt.server = server
        attempt.upgrade = request.upgrade
        attempt.framing = request.framing
        attempt.stickyField = upstream.stickyField(for: server, exchange)
        let head = exchange.head
        if exchange.hasBodyEnded {
            attempt.upload = .none
        } else {
            attempt.upload = head.expectsContinue ? .awaitingContinue : .streaming
        }
    }

    private static func message(_ status: Int, _ text: String, retryAfter: Int? = nil) -> FixedResponse {
        var fields = [(name: "Content-Type", value: "text/plain; charset=utf-8")]
        if let retryAfter { fields.append((name: "Retry-After", value: "\(retryAfter)")) }
        return FixedResponse(
            status: status, fields: fields, body: Array("\(status) \(StatusCode.reason(status)): \(text)\n".utf8))
    }
}

extension Method {
    /// RFC 9110 §9.2.2; a method the gateway does not know is not.
    var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }
}
