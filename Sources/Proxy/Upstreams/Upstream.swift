import Transport

/// A set of servers that requests are forwarded to, as one worker uses it: their load, the balancing state, and the
/// idle connections.
///
/// One per worker, used by its thread only, so that no lock is needed for a request. A reload that does not change its
/// configuration keeps it; its servers may be replaced.
package final class Upstream: EndpointKeeper, TurnEndAction, @unchecked Sendable {
    package let settings: UpstreamSettings
    package private(set) var servers: [UpstreamServer]
    package let balancing: Balancing
    /// The state of the upstream for all workers.
    package let state: UpstreamState
    private(set) var primaries: [UpstreamServer]
    private(set) var backups: [UpstreamServer]
    let balancer: Balancer
    let backupBalancer: Balancer
    package let worker: Worker
    /// TLS for those servers that use it.
    private(set) var security: (any UpstreamSecurity)?
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

    // MARK: Servers

    /// Switches to other servers. Those that stay are passed again; requests in progress at the others go on.
    package func replaceServers(_ changed: [UpstreamServer], security: (any UpstreamSecurity)?) {
        let staying = Set(changed.map(ObjectIdentifier.init))
        for server in servers where !staying.contains(ObjectIdentifier(server)) { server.remove(at: worker.now) }
        self.security = security
        servers = changed
        primaries = changed.filter { !$0.isBackup }
        backups = changed.filter(\.isBackup)
    }

    /// The server with this state; nil when it is not one of them, or no longer.
    func server(of state: ServerState) -> UpstreamServer? {
        servers.first { $0.state === state }
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

    /// Keeps a connection on which a response has ended, if it can be used again and the pool is not full.
    @inline(__always)
    func keep(_ connection: consuming UpstreamConnection, to server: UpstreamServer) {
        let isWanted =
            !isRetired && !server.isRemoved && !worker.isDraining && settings.proxyProtocol == nil
            && server.idle.count < settings.keptConnections
            && (!server.hasMoved || server.isAt(connection.endpoint.remoteAddress))
        guard isWanted, connection.mayBeKept(at: worker.now) else {
            return connection.close()
        }
        server.idle.put(connection, keeper: self, idleUntil: worker.now.advanced(by: settings.keptIdle))
    }

    package func endpointWokeUp() {
        guard !isSweepDue else { return }
        isSweepDue = true
        worker.atEndOfTurn(self)
    }

    package func turnEnded() {
        isSweepDue = false
        for server in servers { server.idle.sweep(now: worker.now, all: worker.isDraining || isRetired) }
    }

    /// No route uses it any more: idle connections are closed now, those in use when their request has ended.
    package func retire() {
        isRetired = true
        for server in servers { server.idle.sweep(now: worker.now, all: true) }
    }
}
