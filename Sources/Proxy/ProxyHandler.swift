import HTTP
import Transport

/// Forwards requests to the servers of an upstream and their responses back; one per route and worker.
package final class ProxyHandler: RequestHandler {
    private let forwarder: Forwarder
    private let buffering: Buffering
    private let answers = FailureAnswers()
    private let maxForwards = MaxForwards()

    /// Which bodies are buffered until they are complete.
    package struct Buffering: Sendable, Equatable {
        package var holdsRequests = false
        package var holdsResponses = false
        /// Limits for each body; the request's body has its own limit besides.
        package var limits: Spool.Limits

        package init(holdsRequests: Bool, holdsResponses: Bool, limits: Spool.Limits) {
            self.holdsRequests = holdsRequests
            self.holdsResponses = holdsResponses
            self.limits = limits
        }
    }

    package init(upstream: Upstream, route: ProxyRoute, buffering: Buffering, reporter: any ProxyReporter) {
        forwarder = Forwarder(upstream: upstream, route: route, reporter: reporter)
        self.buffering = buffering
    }

    // Inlined as far as possible, like the functions it calls: each call that may wait takes memory of its own from the
    // task.
    @inline(__always)
    package func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        if MaxForwards.concerns(exchange.head.method), maxForwards.answersLast(exchange) { return }
        do throws(ForwardingFailure) {
            guard buffering.holdsRequests || buffering.holdsResponses else {
                return try await forwarder.forward(exchange, holding: Forwarder.Held())
            }
            try await forwardHeld(exchange)
        } catch {
            try answers.answer(error, exchange)
        }
    }

    private func forwardHeld(_ exchange: Exchange) async throws(ForwardingFailure) {
        var held = Forwarder.Held()
        if buffering.holdsRequests, !exchange.hasBodyEnded { held.request = try await hold(exchange) }
        if buffering.holdsResponses { held.response = HeldResponse(buffering.limits) }
        try await forwarder.forward(exchange, holding: held)
        // A switch of protocols has no response to buffer.
        guard let response = held.response, response.status != 0 else { return }
        do throws(ExchangeFailure) {
            try await response.deliver(to: exchange)
        } catch {
            throw .client(error)
        }
    }

    private func hold(_ exchange: Exchange) async throws(ForwardingFailure) -> Spool {
        var limits = buffering.limits
        limits.total = .max
        let spool = Spool(limits)
        let problem: Spool.Failure?
        do throws(ExchangeFailure) {
            problem = try await exchange.collectBody(into: spool)
        } catch {
            throw .client(error)
        }
        guard let problem else { return spool }
        guard case .system(let code) = problem else { preconditionFailure("there is no limit but the route's") }
        let failure = ProxyFailure.requestNotHeld(code)
        forwarder.report(failure, exchange)
        throw .upstream(failure)
    }
}

/// The responses to clients when no server sent a response that can be forwarded.
struct FailureAnswers {
    private let badGateway = FailureAnswers.message(502, "the server behind the gateway gave no valid response")
    private let unavailable = FailureAnswers.message(503, "no server is available", retryAfter: 1)
    private let late = FailureAnswers.message(504, "the server behind the gateway did not answer in time")
    private let noRoom = FailureAnswers.message(507, "the gateway has no room to hold the request")

    /// Answers, or rethrows the client's own failure.
    func answer(_ failure: ForwardingFailure, _ exchange: Exchange) throws(ExchangeFailure) {
        switch failure {
        case .client(let failure): throw logged(failure, exchange)
        case .upstream(let failure): try answer(failure, exchange)
        }
    }

    /// 499 is nginx's status for a client that disconnected before the response.
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
            case 507: exchange.fail(noRoom)
            default: exchange.fail(badGateway)
            }
            return
        }
        // If closing is the end of the message, only a reset can show that the message is incomplete.
        if exchange.isEndedByClosing { throw .aborted }
    }

    private static func message(_ status: Int, _ text: String, retryAfter: Int? = nil) -> FixedResponse {
        var fields = [(name: "Content-Type", value: "text/plain; charset=utf-8")]
        if let retryAfter { fields.append((name: "Retry-After", value: "\(retryAfter)")) }
        return FixedResponse(
            status: status, fields: fields, body: Array("\(status) \(StatusCode.reason(status)): \(text)\n".utf8))
    }
}
