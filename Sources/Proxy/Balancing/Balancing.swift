import HTTP

/// How the servers of an upstream are chosen, as the configuration says.
package struct Balancing: Sendable {
    package var rule: Rule
    /// How clients come back to their server; nil when they need not.
    package var sticky: StickySessions?

    package enum Rule: Sendable, Equatable {
        case roundRobin, leastConnections, randomTwo
        /// By what requests have in common.
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
