import Transport

/// Selects the server of each request; one per upstream, kind of server and worker, so that its state needs no lock.
///
/// A balancer is called once per request and again for each retry. It reads the load from the servers, and stores only
/// its own position.
package class Balancer {
    package init() {}

    /// The server for a request, or nil when none is available.
    ///
    /// - Parameters:
    ///   - tried: servers that this request has been sent to without success; none of them is selected again.
    package func choose(
        from servers: [UpstreamServer], except tried: TriedServers, for request: BalancedRequest
    ) -> UpstreamServer? {
        preconditionFailure("a balancer chooses by its own rule")
    }
}

/// The properties of a request that a balancer may use.
package struct BalancedRequest: BitwiseCopyable, Sendable {
    package var now: Deadline
    /// The key that requests for the same server have in common.
    package var key: UInt64
    /// Whether ejected servers are used as well: when no other is left, one of them may be better than none.
    package var asksEjected = false

    package init(now: Deadline, key: UInt64 = 0) {
        self.now = now
        self.key = key
    }
}

/// Servers of one upstream by their index: at most as many as a request is sent to.
package struct TriedServers: BitwiseCopyable, Sendable {
    private var indices = InlineArray<16, Int>(repeating: 0)
    private var count = 0

    package init() {}

    var isEmpty: Bool { count == 0 }

    package func contains(_ server: UpstreamServer) -> Bool {
        for place in 0..<count where indices[place] == server.index { return true }
        return false
    }

    package mutating func insert(_ server: UpstreamServer) {
        guard count < indices.count else { return }
        indices[count] = server.index
        count += 1
    }
}

extension UpstreamServer {
    /// Whether a request that has tried `tried` may be sent to this server now.
    @inline(__always)
    package func isEligible(except tried: TriedServers, for request: BalancedRequest) -> Bool {
        mayServe(except: tried, for: request) && state.hasRoom
    }

    /// Whether it may, apart from the number of requests in progress at the server.
    func mayServe(except tried: TriedServers, for request: BalancedRequest) -> Bool {
        let isWell = request.asksEjected ? state.isUp(at: request.now) : state.isAvailable(at: request.now)
        return isWell && !addresses.isEmpty && !tried.contains(self)
    }
}
