import HTTP

/// How the servers of an upstream are selected, according to the configuration.
package struct Balancing: Sendable {
    package var rule: Rule
    /// How clients are bound to their server; nil when they are not.
    package var sticky: StickySessions?

    package enum Rule: Sendable, Equatable {
        case roundRobin, leastConnections, randomTwo
        /// By a trait of the request.
        case hash(RequestTrait)
    }

    package init(rule: Rule = .roundRobin, sticky: StickySessions? = nil) {
        self.rule = rule
        self.sticky = sticky
    }

    func makeBalancer() -> Balancer {
        switch rule {
        case .roundRobin: RoundRobin()
        case .leastConnections: LeastConnections()
        case .randomTwo: RandomTwo()
        case .hash: ConsistentHash()
        }
    }
}
