import Transport

/// A set of servers that requests are passed on to, as one worker uses it: what each of them is doing, whose turn it
/// is, and the connections kept for later.
///
/// One per worker, touched by its thread only, so the path of a request has no lock. It outlives a reload that leaves
/// its configuration as it was.
package final class Upstream: EndpointKeeper, TurnEndAction, @unchecked Sendable {
    package let settings: UpstreamSettings
    package let servers: [UpstreamServer]
    package let balancing: Balancing
    /// What all workers know of the upstream.
    package let state: UpstreamState
    let primaries: [UpstreamServer]
    let backups: [UpstreamServer]
    let balancer: Balancer
    let backupBalancer: Balancer
    package let worker: Worker
    /// Negotiates TLS with those servers that want it.
    let security: (any UpstreamSecurity)?
    var budget: RetryBudget
    private(set) var isRetired = false
    private var isSweepDue = false
    private var spareExchanges: [UpstreamExchange] = []

    /// Exchanges whose memory is kept for the next request.
    private static let spareLimit = 64

    package init(
        _ settings: UpstreamSettings, servers: [UpstreamServer], balancing: Balancing, state: UpstreamState,
        worker: Worker, security: (any UpstreamSecurity)? = nil
    ) {
        self.settings = settings
        self.servers = servers
        self.balancing = balancing
        self.state = state
        primaries = servers.filter { !$0.isBackup }
        backups = servers.filter(\.isBackup)
        balancer = balancing.makeBalancer()
        backupBalancer = balancing.makeBalancer()
        self.worker = worker
        self.security = security
        budget = RetryBudget(share: settings.retryBudget)
    }

    // MARK: Memory

    func lendExchange() -> UpstreamExchange {
        spareExchanges.popLast() ?? UpstreamExchange(settings, on: worker)
    }

    func takeBack(_ exchange: consuming UpstreamExchange) {
        exchange.reset()
        if spareExchanges.count < Self.spareLimit { spareExchanges.append(exchange) }
    }

    // MARK: Kept connections

    /// Keeps a connection on which a response has ended, if it is still good and there is room.
    @inline(__always)
    func keep(_ connection: consuming UpstreamConnection, to server: UpstreamServer) {
        let isWanted =
            !isRetired && !worker.isDraining && settings.proxyProtocol == nil
            && server.idle.count < settings.keptConnections
            && (!server.hasMoved || server.isAt(connection.endpoint.remoteAddress))
        guard isWanted, connection.mayBeKept(at: worker.now) else {
            return connection.close()
        }
        server.idle.put(connection, keeper: self, idleUntil: worker.now.advanced(by: settings.keptIdle))
    }

    package func endpointStirred() {
        guard !isSweepDue else { return }
        isSweepDue = true
        worker.atEndOfTurn(self)
    }

    package func turnEnded() {
        isSweepDue = false
        for server in servers { server.idle.sweep(now: worker.now, all: worker.isDraining || isRetired) }
    }

    /// Nothing leads here any more: kept connections are closed now, those in use when their request is over.
    package func retire() {
        isRetired = true
        for server in servers { server.idle.sweep(now: worker.now, all: true) }
    }
}
