import HTTP
import Redis

/// What a worker needs to count the rate of one route with a Redis server.
final class SharedRate {
    let link: SharedEngineLink
    let command: SharedRateCommand

    init(
        _ identity: RequestLimiter.Identity, _ limit: RouteLimits.RateLimit, table: RateTable, _ link: SharedEngineLink
    ) {
        self.link = link
        let (interval, tolerance) = table.parameters
        command = SharedRateCommand(
            prefix: link.keys.prefix(.rate, of: identity, by: limit.key), interval: interval, tolerance: tolerance)
    }
}

/// What a worker needs to count the requests in progress of one route with a Redis server.
final class SharedConcurrency {
    let link: SharedEngineLink
    let commands: SharedConcurrencyCommands
    /// What the names of the route's keys begin with.
    let route: String

    init(_ identity: RequestLimiter.Identity, _ limit: RouteLimits.ConcurrencyLimit, _ link: SharedEngineLink) {
        self.link = link
        route = link.keys.prefix(.concurrency, of: identity, by: limit.key)
        commands = SharedConcurrencyCommands(
            prefix: route, instances: link.keys.instances,
            field: link.field, limit: limit.requests)
    }
}

/// As `LimitedAction`, with limits that hold for all instances of a fleet together; one per route and worker.
///
/// The limits of this instance are asked first, with the whole numbers: what they refuse would be refused by the
/// server too, and costs it nothing. They learn from its replies.
final class SharedLimitedAction: Action, RequestHandler {
    private let limiter: RequestLimiter
    private let rateKey: RequestKey
    private let concurrencyKey: RequestKey
    private let rate: SharedRate?
    private let concurrency: SharedConcurrency?
    private let action: Action

    /// Nil if no limit is shared.
    ///
    /// - Parameter links: of this worker, by the names of their engines.
    init?(_ action: Action, _ limiter: RequestLimiter, _ links: [String: SharedEngineLink]) {
        let identity = limiter.identity
        let limits = identity.limits
        let rateLink = limits.rate?.shared.flatMap { links[$0] }
        let concurrencyLink = limits.concurrency?.shared.flatMap { links[$0] }
        guard rateLink != nil || concurrencyLink != nil else { return nil }
        rate =
            if let rateLink, let limit = limits.rate, let table = limiter.rate {
                SharedRate(identity, limit, table: table, rateLink)
            } else { nil }
        concurrency =
            if let concurrencyLink, let limit = limits.concurrency {
                SharedConcurrency(identity, limit, concurrencyLink)
            } else { nil }
        self.limiter = limiter
        rateKey = RequestKey(limits.rate?.key ?? .route)
        concurrencyKey = RequestKey(limits.concurrency?.key ?? .route)
        self.action = action
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        guard let table = limiter.rate else { return .handler(self) }
        let key = rateKey.value(of: exchange)
        let now = exchange.nowInMicroseconds
        guard let rate, rate.link.client.isLost else {
            if let wait = table.count(key, at: now) {
                LimitAnswers.refuseRate(exchange, wait: wait)
                return .answered
            }
            return .handler(self)
        }
        // Without the server the rate is decided at once.
        guard limiter.concurrency == nil else { return .handler(self) }
        return passesWithout(rate, table, key, exchange) ? action.answer(exchange) : .answered
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        handlers.contains { $0 === self } || action.isHandled(byAnyOf: handlers)
    }

    func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        if let rate, let table = limiter.rate {
            guard try await isWithin(rate, table, exchange) else { return }
        }
        guard let table = limiter.concurrency else { return try await goOn(exchange) }
        let key = concurrencyKey.value(of: exchange)
        guard table.enter(key) else { return LimitAnswers.refuseConcurrency(exchange) }
        defer { table.leave(key) }
        guard let concurrency else { return try await goOn(exchange) }
        let lease = SharedEngineLink.Lease(
            route: concurrency.route, key: concurrencyKey.sharedValue(of: exchange, SharedKeys.hash))
        let begun = concurrency.link.begin(lease, of: concurrency)
        var isRefused = false
        defer { concurrency.link.end(lease, refused: isRefused ? begun.changes : nil) }
        let result = try await concurrency.link.run(for: exchange) { isWhole, bytes in
            concurrency.commands.appendEntry(lease.key, count: begun.requests, isWhole: isWhole, to: &bytes)
        }
        switch result {
        case 1: break
        case 0:
            isRefused = true
            return LimitAnswers.refuseConcurrency(exchange)
        default: guard passesWithout(concurrency, table, key, exchange) else { return }
        }
        try await goOn(exchange)
    }

    private func goOn(_ exchange: Exchange) async throws(ExchangeFailure) {
        switch action.answer(exchange) {
        case .answered: return
        case .refused(let rejection): throw .rejected(rejection)
        case .handler(let handler): try await handler.handle(exchange)
        }
    }

    // MARK: Rate

    private func isWithin(
        _ rate: SharedRate, _ table: RateTable, _ exchange: Exchange
    ) async throws(ExchangeFailure) -> Bool {
        let key = rateKey.value(of: exchange)
        let shared = rateKey.sharedValue(of: exchange, SharedKeys.hash)
        // The time of the server is not before this one, so that nobody is refused for longer than there.
        let now = exchange.nowInMicroseconds
        let isCounted = !rate.link.client.isLost
        let result = try await rate.link.run(for: exchange) { isWhole, bytes in
            rate.command.append(shared, isWhole: isWhole, to: &bytes)
        }
        guard let result else {
            // What `answer` has counted was for the server.
            if isCounted { table.takeBack(key) }
            return passesWithout(rate, table, key, exchange)
        }
        guard result > 0 else {
            table.learn(key, ahead: result.magnitude, at: now)
            return true
        }
        table.learn(key, refusedFor: result.magnitude, at: now)
        LimitAnswers.refuseRate(exchange, wait: result.magnitude)
        return false
    }

    private func passesWithout(_ rate: SharedRate, _ table: RateTable, _ key: UInt64, _ exchange: Exchange) -> Bool {
        switch rate.link.mode {
        case .allow: return true
        case .deny: LimitAnswers.refuseUncounted(exchange)
        case .local:
            let shares = UInt64(rate.link.state.instances)
            guard let wait = table.count(key, at: exchange.nowInMicroseconds, shares: shares) else { return true }
            LimitAnswers.refuseRate(exchange, wait: wait)
        }
        return false
    }

    private func passesWithout(
        _ concurrency: SharedConcurrency, _ table: ConcurrencyTable, _ key: UInt64, _ exchange: Exchange
    ) -> Bool {
        switch concurrency.link.mode {
        case .allow: return true
        case .deny: LimitAnswers.refuseUncounted(exchange)
        case .local:
            if table.isWithinShare(key, shares: concurrency.link.state.instances) { return true }
            LimitAnswers.refuseConcurrency(exchange)
        }
        return false
    }
}

extension Exchange {
    /// The clock of the turn.
    fileprivate var nowInMicroseconds: UInt64 { endpoint.worker.now.milliseconds * 1000 }
}
