import Glibc
import Transport

/// The same server for the same key, as long as it is available; adding or removing a server moves only its own share.
///
/// Weighted rendezvous hashing (Thaler and Ravishankar, 1998): each server has a score computed from the key and its
/// own name, and the one with the best score is selected. Nothing is stored, so gateways with the same servers select
/// alike.
package final class ConsistentHash: Balancer {
    package override func choose(
        from servers: [UpstreamServer], except tried: TriedServers, for request: BalancedRequest
    ) -> UpstreamServer? {
        var best: UpstreamServer?
        var bestScore = Double.infinity
        for index in servers.indices {
            let server = servers[index]
            guard server.isEligible(except: tried, for: request) else { continue }
            let score = Self.score(of: server, for: request.key)
            if best == nil || score < bestScore {
                best = server
                bestScore = score
            }
        }
        return best
    }

    /// An exponential variate with the weight as its rate: a server has the smallest of several with a probability that
    /// is its share of the weights. Slow start is not applied, because it would move keys.
    private static func score(of server: UpstreamServer, for key: UInt64) -> Double {
        let bits = StableHash.mix(key ^ server.identity)
        let uniform = (Double(bits >> 11) + 0.5) * 0x1p-53
        return -log(uniform) / Double(server.weight)
    }
}
