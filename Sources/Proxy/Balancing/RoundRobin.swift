/// Each server in turn, spread smoothly by weight: 2 to 1 is a b a, not a a b.
///
/// In every turn the counter of each eligible server grows by its weight; the server with the highest counter is
/// selected, and its counter is reduced by the sum of all weights.
package final class RoundRobin: Balancer {
    private var credit: [Int] = []

    package override func choose(
        from servers: [UpstreamServer], except tried: TriedServers, for request: BalancedRequest
    ) -> UpstreamServer? {
        // Most upstreams have only one server.
        if servers.count == 1 {
            let server = servers[0]
            return server.isEligible(except: tried, for: request) ? server : nil
        }
        if credit.count != servers.count { credit = Array(repeating: 0, count: servers.count) }
        var total = 0
        var best = -1
        for index in servers.indices {
            let server = servers[index]
            guard server.isEligible(except: tried, for: request) else { continue }
            let weight = server.currentWeight(at: request.now)
            credit[index] += weight
            total += weight
            if best < 0 || credit[index] > credit[best] { best = index }
        }
        guard best >= 0 else { return nil }
        credit[best] -= total
        return servers[best]
    }
}
