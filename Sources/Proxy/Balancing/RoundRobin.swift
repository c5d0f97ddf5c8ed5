/// Each server in turn, spread smoothly by weight: 2 to 1 is a b a, not a a b.
///
/// In every turn each eligible server gains its weight; the one with most is chosen and pays the sum of all.
package final class RoundRobin: Balancer {
    private var credit: [Int] = []

    package override func choose(
        from servers: [UpstreamServer], except tried: TriedServers, for request: BalancedRequest
    ) -> UpstreamServer? {
        if servers.count == 1 { return servers[0].isEligible(except: tried, for: request) ? servers[0] : nil }
        if credit.count != servers.count { credit = Array(repeating: 0, count: servers.count) }
        var total = 0
        var best = -1
        for index in servers.indices where servers[index].isEligible(except: tried, for: request) {
            let weight = servers[index].currentWeight(at: request.now)
            credit[index] += weight
            total += weight
            if best < 0 || credit[index] > credit[best] { best = index }
        }
        guard best >= 0 else { return nil }
        credit[best] -= total
        return servers[best]
    }
}
