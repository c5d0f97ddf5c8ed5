import Transport

/// The less busy of two servers selected at random by weight.
///
/// Nearly as even as comparing all of them, and many gateways that do not communicate do not all select the same
/// server, as they would if each took the least busy one (Mitzenmacher, The Power of Two Choices, 2001).
package final class RandomTwo: Balancer {
    private var random: SplitMix

    package init(seed: UInt64 = .random(in: 0 ... .max)) {
        random = SplitMix(state: seed)
    }

    package override func choose(
        from servers: [UpstreamServer], except tried: TriedServers, for request: BalancedRequest
    ) -> UpstreamServer? {
        guard let first = draw(from: servers, except: tried, for: request, but: nil) else { return nil }
        guard let second = draw(from: servers, except: tried, for: request, but: first) else { return first }
        return second.isLessBusy(than: first, at: request.now) ? second : first
    }

    private func draw(
        from servers: [UpstreamServer], except tried: TriedServers, for request: BalancedRequest,
        but taken: UpstreamServer?
    ) -> UpstreamServer? {
        var total: UInt64 = 0
        var drawn: UpstreamServer?
        // Each server replaces the current one with a probability of its share of the weights so far.
        for index in servers.indices {
            let server = servers[index]
            guard server !== taken, server.isEligible(except: tried, for: request) else { continue }
            let weight = UInt64(server.currentWeight(at: request.now))
            total += weight
            if random.next(below: total) < weight { drawn = server }
        }
        return drawn
    }
}

/// A small generator for choices that nobody profits from predicting (Steele, Lea, Flood, 2014).
struct SplitMix {
    private var state: UInt64

    init(state: UInt64) {
        self.state = state
    }

    mutating func next(below bound: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return StableHash.mix(state).multipliedFullWidth(by: bound).high
    }
}
