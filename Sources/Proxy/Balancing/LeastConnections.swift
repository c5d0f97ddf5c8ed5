import Transport

/// The server with the fewest requests in progress for its weight; equally busy servers take turns.
package final class LeastConnections: Balancer {
    /// Where the next search begins, so that equally busy servers take turns.
    private var start = 0

    package override func choose(
        from servers: [UpstreamServer], except tried: TriedServers, for request: BalancedRequest
    ) -> UpstreamServer? {
        guard !servers.isEmpty else { return nil }
        start = start + 1 < servers.count ? start + 1 : 0
        var best: UpstreamServer?
        for offset in servers.indices {
            let index = start + offset < servers.count ? start + offset : start + offset - servers.count
            let server = servers[index]
            guard server.isEligible(except: tried, for: request) else { continue }
            if best.map({ server.isLessBusy(than: $0, at: request.now) }) ?? true { best = server }
        }
        return best
    }
}

extension UpstreamServer {
    /// Whether one more request is less load here than there, each relative to its weight.
    @inline(__always)
    func isLessBusy(than other: UpstreamServer, at now: Deadline) -> Bool {
        (activeRequests + 1) * other.currentWeight(at: now) < (other.activeRequests + 1) * currentWeight(at: now)
    }
}
