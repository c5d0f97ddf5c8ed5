import HTTP

/// Chooses the server of each request; one per upstream and worker, so that nothing it remembers is locked.
///
/// A class is called once per request and again for each retry; it looks at servers, which know what they are doing,
/// and remembers only its own turn.
package class Balancer {
    package init() {}

    /// The server for a request, or nil when none may be asked.
    ///
    /// - Parameters:
    ///   - tried: servers that this request has been sent to in vain; none of them is chosen again.
    ///   - exchange: the request, for those who choose by it.
    package func choose(
        from servers: [UpstreamServer], except tried: TriedServers, for exchange: Exchange
    ) -> UpstreamServer? {
        preconditionFailure("a balancer chooses by its own rule")
    }
}

/// Servers of one upstream by their index: those from 64 on are never members, and so may be tried twice.
package struct TriedServers: BitwiseCopyable, Sendable {
    private var bits: UInt64 = 0

    package init() {}

    package func contains(_ server: UpstreamServer) -> Bool {
        server.index < 64 && bits >> UInt64(server.index) & 1 == 1
    }

    package mutating func insert(_ server: UpstreamServer) {
        if server.index < 64 { bits |= 1 << UInt64(server.index) }
    }
}

extension UpstreamServer {
    /// Whether a request that has tried `tried` may be sent here.
    package func isEligible(except tried: TriedServers) -> Bool {
        isAvailable && !addresses.isEmpty && !tried.contains(self)
    }
}
