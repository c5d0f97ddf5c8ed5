import HTTP
import Memory
import Transport

/// The limits of one route, shared by all workers; a reload that does not change them keeps this object.
final class RequestLimiter: Sendable {
    let identity: Identity
    let rate: RateTable?
    let concurrency: ConcurrencyTable?

    /// The route whose requests are counted.
    struct Identity: Hashable, Sendable {
        var hosts: [HostPattern]
        var path: PathPattern
        var conditions: RouteConditions
        var limits: RouteLimits
    }

    init(_ identity: Identity) {
        self.identity = identity
        rate = identity.limits.rate.map(RateTable.init)
        concurrency = identity.limits.concurrency.map(ConcurrencyTable.init)
    }
}

/// Another action, for as many requests as the route's limits allow; the others are answered 429 (RFC 6585 §4).
final class LimitedAction: Action, RequestHandler {
    private let limiter: RequestLimiter
    private let rateKey: RequestKey
    private let concurrencyKey: RequestKey
    private let action: Action

    init(_ action: Action, _ limiter: RequestLimiter) {
        self.action = action
        self.limiter = limiter
        rateKey = RequestKey(limiter.identity.limits.rate?.key ?? .route)
        concurrencyKey = RequestKey(limiter.identity.limits.concurrency?.key ?? .route)
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        if let rate = limiter.rate {
            let now = exchange.endpoint.worker.now.milliseconds * 1000
            if let wait = rate.count(rateKey.value(of: exchange), at: now) {
                LimitAnswers.refuseRate(exchange, wait: wait)
                return .answered
            }
        }
        return limiter.concurrency == nil ? action.answer(exchange) : .handler(self)
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        handlers.contains { $0 === self } || action.isHandled(byAnyOf: handlers)
    }

    func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        guard let concurrency = limiter.concurrency else { return }
        let key = concurrencyKey.value(of: exchange)
        guard concurrency.enter(key) else {
            return LimitAnswers.refuseConcurrency(exchange)
        }
        defer { concurrency.leave(key) }
        if case .handler(let handler) = action.answer(exchange) { try await handler.handle(exchange) }
    }
}

/// The answers to requests beyond a limit.
enum LimitAnswers {
    /// - Parameter wait: microseconds after which a request would pass.
    static func refuseRate(_ exchange: Exchange, wait: UInt64) {
        refuse(exchange, "too many requests in a short time", status: 429, retryAfter: (wait + 999_999) / 1_000_000)
    }

    static func refuseConcurrency(_ exchange: Exchange) {
        refuse(exchange, "too many requests at the same time", status: 429, retryAfter: 1)
    }

    /// Nobody knows whether the request is within its limit.
    static func refuseUncounted(_ exchange: Exchange) {
        refuse(exchange, "the limits cannot be counted", status: 503, retryAfter: 1)
    }

    private static func refuse(
        _ exchange: Exchange, _ reason: StaticString, status: Int, retryAfter seconds: UInt64
    ) {
        let fields = "Retry-After: \(seconds)\r\n"
        fields.withBytes { exchange.fail(status: status, fields: $0, reason: reason) }
    }
}
