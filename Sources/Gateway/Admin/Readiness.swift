import ISAPI

/// Whether requests should be sent to the gateway, with every reason why not.
struct Readiness: Encodable, Equatable {
    let ready: Bool
    let reasons: [Reason]

    struct Reason: Encodable, Equatable {
        /// A word for programs.
        let reason: String
        /// What it concerns; nil for the gateway as a whole.
        let name: String?
        /// For people.
        let text: String
    }

    /// What the decision depends on.
    struct Facts: Equatable {
        var isDraining = false
        /// Listeners with TLS that have no certificate which is valid at present.
        var listenersWithoutCertificate: [String] = []
        var pools: [ProcessPoolStatus] = []
        /// Extensions that are to be loaded before the first request, and are not.
        var extensionsNotLoaded: [String] = []
    }

    /// - Parameter facts: nil before anything is served, and after the end.
    init(_ facts: Facts?) {
        reasons = facts.map(Self.reasons) ?? [Reason(reason: "not_serving", name: nil, text: "nothing is served")]
        ready = reasons.isEmpty
    }

    private static func reasons(_ facts: Facts) -> [Reason] {
        var reasons: [Reason] = []
        if facts.isDraining {
            reasons.append(Reason(reason: "draining", name: nil, text: "the gateway ends"))
        }
        reasons += facts.listenersWithoutCertificate.map { name in
            Reason(
                reason: "certificate_expired", name: name,
                text: "listener \(name) has no certificate that is valid now")
        }
        // A pool that ends has a successor of the same name.
        let pools = facts.pools.filter { $0.state != "ending" }
        reasons += pools.compactMap(Self.reason)
        let waiting = Set(reasons.compactMap(\.name))
        reasons += facts.extensionsNotLoaded.filter { name in
            !pools.contains { $0.extensions.contains(name) && waiting.contains($0.name) }
        }.map { Reason(reason: "extension_not_loaded", name: $0, text: "extension \($0) could not be loaded") }
        return reasons
    }

    private static func reason(_ pool: ProcessPoolStatus) -> Reason? {
        switch pool.state {
        case "stopped":
            Reason(
                reason: "pool_stopped", name: pool.name,
                text: "the processes of pool \(pool.name) have crashed too often")
        // A pool without processes starts them for the next request.
        case "running" where !pool.processes.contains { $0.state == "ready" }:
            Reason(
                reason: "pool_starting", name: pool.name, text: "no process of pool \(pool.name) is ready yet")
        default: nil
        }
    }
}
