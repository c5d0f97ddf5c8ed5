import Transport

/// Chooses the server of each request; one per upstream, kind of server and worker, so that nothing it remembers is
/// locked.
///
/// A balancer is asked once per request and again for each retry; it looks at servers, which know what they are doing,
/// and remembers only its own turn.
package class Balancer {
    package init() {}

    /// The server for a request, or nil when none may be asked.
    ///
    /// - Parameters:
    ///   - tried: servers that this request has been sent to in vain; none of them is chosen again.
    package func choose(
        from servers: [UpstreamServer], except tried: TriedServers, for request: BalancedRequest
    ) -> UpstreamServer? {
        preconditionFailure("a balancer chooses by its own rule")
    }
}

/// What a balancer may know of a request.
package struct BalancedRequest: BitwiseCopyable, Sendable {
    package var now: Deadline
    /// What requests that belong to the same server have in common.
    package var key: UInt64
    /// Whether servers are asked as well that are left out because requests failed: when no other is left, one of them
    /// may be better than none.
    package var asksEjected = false

    package init(now: Deadline, key: UInt64 = 0) {
        self.now = now
        self.key = key
    }
}

/// Servers of one upstream by their index: those from 64 on are never members, and so may be tried twice.
package struct TriedServers: BitwiseCopyable, Sendable {
    private var bits: UInt64 = 0

    package init() {}

    var isEmpty: Bool { bits == 0 }

    package func contains(_ server: UpstreamServer) -> Bool {
        server.index < 64 && bits >> UInt64(server.index) & 1 == 1
    }

    package mutating func insert(_ server: UpstreamServer) {
        if server.index < 64 { bits |= 1 << UInt64(server.index) }
    }
}

extension UpstreamServer {
    /// Whether a request that has tried `tried` may be sent here now.
    @inline(__always)
    package func isEligible(except tried: TriedServers, for request: BalancedRequest) -> Bool {
        mayServe(except: tried, for: request) && state.hasRoom
    }

    /// Whether it may, but for the number of requests the server is busy with.
    func mayServe(except tried: TriedServers, for request: BalancedRequest) -> Bool {
        let isWell = request.asksEjected ? state.isUp(at: request.now) : state.isAvailable(at: request.now)
        return isWell && !addresses.isEmpty && !tried.contains(self)
    }
}
