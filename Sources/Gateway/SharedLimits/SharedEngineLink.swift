import HTTP
import Redis
import Transport

/// The use of a Redis server by one worker: its connection, and the requests in progress that are counted there. Only
/// the worker's thread uses it.
final class SharedEngineLink: RedisObserver, @unchecked Sendable {
    let mode: SharedEngineConfiguration.FailureMode
    let keys: SharedKeys
    /// The name of this worker's counts.
    let field: String
    let state: SharedEngineState
    let client: RedisClient
    private var leases: [Lease: Count] = [:]
    private var mustReport = false

    /// The requests of one key of a route.
    struct Lease: Hashable {
        /// As `SharedConcurrency` has it: a reload does not change it.
        let route: String
        let key: SipHash.Value
    }

    private struct Count {
        var requests = 0
        /// Changes with each command about the lease.
        var changes = 0
        let owner: SharedConcurrency
    }

    init(
        _ configuration: SharedEngineConfiguration, _ settings: RedisSettings, instance: String, _ worker: Worker,
        _ state: SharedEngineState
    ) {
        mode = configuration.onFailure
        keys = SharedKeys(engine: configuration.name)
        field = "\(instance)/\(worker.index)"
        self.state = state
        client = RedisClient(settings, worker)
        client.observer = self
    }

    // MARK: Outcomes

    /// Waits for the outcome of a command of this exchange; after the timeout without it.
    func outcome(of call: RedisCall, for exchange: Exchange) async throws(ExchangeFailure) -> RedisCall.Outcome {
        let endpoint = exchange.endpoint
        while true {
            if let outcome = call.outcome { return outcome }
            let wake = await endpoint.wait(for: .signal | .hangup, until: call.deadline)
            if let outcome = call.outcome { return outcome }
            switch wake {
            case .signalled, .ready, .draining: continue
            case .deadline:
                call.abandon()
                return .failed(.timeout)
            case .hangup:
                call.abandon()
                throw .clientGone(.reset)
            case .aborted:
                call.abandon()
                throw .aborted
            }
        }
    }

    /// Runs a script for an exchange: with its text if the server does not know it. Nil if there is no result.
    func run(
        for exchange: Exchange, _ write: (_ isWhole: Bool, inout [UInt8]) -> Void
    ) async throws(ExchangeFailure) -> Int64? {
        var isWhole = false
        while true {
            guard let call = client.call(signalling: exchange.endpoint, { write(isWhole, &$0) }) else { return nil }
            switch try await outcome(of: call, for: exchange) {
            case .reply(.integer(let result)): return result
            case .reply(let reply) where reply.isError(with: "NOSCRIPT") && !isWhole: isWhole = true
            case .reply, .failed: return nil
            }
        }
    }

    // MARK: Requests in progress

    /// Counts one more request; the command about it must follow.
    ///
    /// - Returns: the number of requests of this key, and what tells whether other commands follow.
    func begin(_ lease: Lease, of owner: SharedConcurrency) -> (requests: Int, changes: Int) {
        var count = leases[lease] ?? Count(owner: owner)
        count.requests += 1
        count.changes += 1
        leases[lease] = count
        return (count.requests, count.changes)
    }

    /// Counts one request less.
    ///
    /// - Parameter refused: what `begin` returned, if the server has not stored it.
    func end(_ lease: Lease, refused: Int? = nil) {
        guard var count = leases[lease] else { preconditionFailure("a request that ends has begun") }
        count.requests -= 1
        // The server has the count from before.
        let isKnown = refused == count.changes
        count.changes += 1
        leases[lease] = count
        if !isKnown { report(lease, count) } else if count.requests == 0 { leases[lease] = nil }
    }

    private func report(_ lease: Lease, _ count: Count) {
        let call =
            client.isReady
            ? client.call(signalling: nil) {
                count.owner.commands.appendCount(lease.key, count: count.requests, to: &$0)
            }
            : nil
        if call == nil {
            // It is told with the others when there is a connection.
            mustReport = true
        } else if count.requests == 0 {
            leases[lease] = nil
        }
    }

    /// Tells the server all counts, which it may have lost.
    private func reportAll() {
        mustReport = false
        for (lease, count) in leases {
            report(lease, count)
            guard count.requests > 0 else { continue }
            _ = client.call(signalling: nil) { count.owner.commands.appendLifetime(lease.key, to: &$0) }
        }
    }

    // MARK: RedisObserver

    func connected(_ client: RedisClient) {
        state.connected(client.worker.index)
        reportAll()
    }

    func lost(_ client: RedisClient, _ failure: RedisFailure) {
        state.lost(client.worker.index, failure.reason)
        mustReport = true
    }

    func probed(_ client: RedisClient, _ reply: RESPValue) {
        guard case .integer(let count) = reply else { return }
        state.sawInstances(Int(clamping: count.magnitude))
        // Counts of an instance that was not known were removed.
        if count < 0 || mustReport, client.isReady { reportAll() }
    }
}
