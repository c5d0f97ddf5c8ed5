import ISAPI

/// Whether requests should be sent to the gateway, with every reason why not.
struct Readiness: Encodable, Equatable {
    let ready: Bool
    let reasons: [Condition]

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
        reasons = facts.map(Self.reasons) ?? [Condition(.notServing, "nothing is served")]
        ready = reasons.isEmpty
    }

    private static func reasons(_ facts: Facts) -> [Condition] {
        var reasons: [Condition] = []
        if facts.isDraining {
            reasons.append(Condition(.draining, "the gateway ends"))
        }
        reasons += facts.listenersWithoutCertificate.map { name in
            Condition(
                .certificateExpired, name: name, "listener \(name) has no certificate that is valid now")
        }
        // A pool that ends has a successor of the same name.
        let pools = facts.pools.filter { $0.state != "ending" }
        reasons += pools.compactMap(Self.reason)
        let waiting = Set(reasons.compactMap(\.name))
        reasons += facts.extensionsNotLoaded.filter { name in
            !pools.contains { $0.extensions.contains(name) && waiting.contains($0.name) }
        }.map { Condition(.extensionNotLoaded, name: $0, "extension \($0) could not be loaded") }
        return reasons
    }

    private static func reason(_ pool: ProcessPoolStatus) -> Condition? {
        switch pool.state {
        case "stopped":
            Condition(
                .poolStopped, name: pool.name, "the processes of pool \(pool.name) have crashed too often")
        // A pool without processes starts them for the next request.
        case "running" where !pool.processes.contains { $0.state == "ready" }:
            Condition(
                .poolStarting, name: pool.name, "no process of pool \(pool.name) is ready yet")
        default: nil
        }
    }
}
