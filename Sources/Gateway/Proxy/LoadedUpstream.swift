import Proxy
import Transport

/// An upstream in use, on every worker.
final class LoadedUpstream {
    /// With the present servers.
    var configuration: UpstreamConfiguration
    let resolver: ResolverConfiguration
    /// The files of its TLS, which may change while the configuration stays.
    let material: [[UInt8]]
    let state: UpstreamState
    let balancing: Balancing
    /// Nil while no server uses TLS.
    var security: UpstreamTLS?
    var servers: [LoadedServer]
    let upstreams: [Upstream]
    private var nextIndex: Int

    init(
        configuration: UpstreamConfiguration, resolver: ResolverConfiguration, material: [[UInt8]],
        state: UpstreamState, balancing: Balancing, security: UpstreamTLS?, servers: [LoadedServer],
        upstreams: [Upstream]
    ) {
        self.configuration = configuration
        self.resolver = resolver
        self.material = material
        self.state = state
        self.balancing = balancing
        self.security = security
        self.servers = servers
        self.upstreams = upstreams
        nextIndex = servers.count
    }

    /// The index of another server, which no server has had.
    func takeIndex() -> Int {
        defer { nextIndex += 1 }
        return nextIndex
    }
}

/// A server of an upstream in use, on every worker.
final class LoadedServer {
    var configuration: ServerConfiguration
    let index: Int
    let state: ServerState
    let perWorker: [UpstreamServer]
    /// Nil if servers are not checked actively.
    let checker: HealthChecker?
    /// Nil for a server that is configured by its address.
    var watch: Resolver.Watch?

    init(
        _ server: ServerConfiguration, _ state: ServerState, index: Int, in upstream: UpstreamConfiguration,
        _ balancing: Balancing, workers: Int
    ) {
        configuration = server
        self.index = index
        self.state = state
        let addresses = server.url.addresses
        perWorker = (0..<workers).map { _ in
            UpstreamServer(
                index: index, name: server.url.authority, weight: server.weight, isSecure: server.url.isSecure,
                secureName: upstream.tls.serverName ?? server.url.host, addresses: addresses,
                isBackup: server.isBackup, slowStart: Delay(upstream.slowStart), state: state,
                sticky: balancing.sticky)
        }
        checker = upstream.health.active.map { HealthChecker(server: state, check: HealthCheck($0)) }
    }

    deinit {
        watch?.cancel()
    }
}

extension UpstreamConfiguration {
    /// Whether the other differs only by servers that may be replaced.
    func isSame(as other: UpstreamConfiguration) -> Bool {
        guard serversFile != nil, (etcd == nil) == (other.etcd == nil) else { return self == other }
        var copy = other
        copy.servers = servers
        if etcd != nil {
            // Where they are learned from concerns no request.
            copy.etcd = etcd
            copy.serversFile = serversFile
        }
        return self == copy
    }
}
