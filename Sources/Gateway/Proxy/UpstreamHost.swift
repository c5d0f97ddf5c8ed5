import CLinux
import Glibc
import HTTP
import Logging
import Proxy
import TLS
import Transport

/// The upstreams of the current configuration; those that a reload does not change keep their connections.
final class UpstreamHost {
    private let workers: [Worker]
    private let reporters: [ProxyLog]
    private let names: ServerNames
    private var current: [String: LoadedUpstream] = [:]

    init(logger: Logger, workers: [Worker]) {
        self.workers = workers
        reporters = workers.map { ProxyLog(logger, $0) }
        names = ServerNames(logger: logger, workers: workers)
    }

    /// A set of upstreams that is not in use yet.
    struct Candidate {
        fileprivate let loaded: [String: LoadedUpstream]
    }

    /// Creates the upstreams of `configurations` that the current set lacks.
    func prepare(
        _ configurations: [UpstreamConfiguration], resolver: ResolverConfiguration, files: [String: [UInt8]]
    ) throws(GatewayError) -> Candidate {
        var loaded: [String: LoadedUpstream] = [:]
        for configuration in configurations {
            let material = configuration.files.map { files[$0] ?? [] }
            if let current = current[configuration.name], current.configuration == configuration,
                current.resolver == resolver, current.material == material
            {
                loaded[configuration.name] = current
                continue
            }
            let security = try security(for: configuration, files: files)
            let servers = configuration.servers.map { (configuration: $0, addresses: $0.url.addresses) }
            let state = UpstreamState(configuration, inheriting: current[configuration.name]?.state)
            let balancing = try Balancing(configuration, files: files)
            let upstreams = workers.map { makeUpstream(configuration, servers, balancing, state, security, $0) }
            loaded[configuration.name] = LoadedUpstream(
                configuration: configuration, resolver: resolver, material: material, state: state,
                upstreams: upstreams, watches: names.watch(configuration.servers, resolver, for: upstreams))
        }
        return Candidate(loaded: loaded)
    }

    /// Switches to the candidate; workers release the upstreams that it no longer has. Only after they serve without
    /// these.
    func commit(_ candidate: Candidate) {
        for (name, new) in candidate.loaded where current[name] !== new { startChecks(of: new) }
        for (name, old) in current where candidate.loaded[name] !== old {
            for checker in old.checkers { checker.stop() }
            for (worker, upstream) in zip(workers, old.upstreams) { worker.perform { _ in upstream.retire() } }
        }
        current = candidate.loaded
    }

    /// Each server is checked by one of the workers.
    private func startChecks(of loaded: LoadedUpstream) {
        for (index, checker) in loaded.checkers.enumerated() {
            let worker = workers[index % workers.count]
            let upstream = loaded.upstreams[worker.index]
            let reporter = reporters[worker.index]
            worker.perform { worker in
                Task(executorPreference: worker) { await checker.run(upstream, reporter) }
            }
        }
    }

    /// What can be asked of them from any thread.
    var view: UpstreamView {
        UpstreamView(
            upstreams: current.values.map { loaded in
                UpstreamView.One(
                    name: loaded.configuration.name, state: loaded.state,
                    counters: loaded.upstreams.map { $0.servers.map(\.counters) })
            }.sorted { $0.name < $1.name })
    }

    /// Lets those requests pass to `action` that a server allows.
    func guarded(
        _ action: Action, by auth: ForwardAuthConfiguration, in candidate: Candidate, worker: Int
    ) -> Action {
        let question = AuthorizationQuestion(
            target: auth.path, copied: auth.copyHeaders, timeout: Delay(auth.timeout))
        let authorizer = ForwardAuthorizer(
            upstream: upstream(auth.upstream, in: candidate, worker: worker), question: question,
            reporter: reporters[worker], next: action.answer)
        return ForwardAuthAction(authorizer, action)
    }

    private func upstream(_ name: String, in candidate: Candidate, worker: Int) -> Upstream {
        guard let upstream = candidate.loaded[name]?.upstreams[worker] else {
            preconditionFailure("a configuration names upstreams that it has")
        }
        return upstream
    }

    /// - Parameter expression: the expression that the route's path matches; nil for a plain path.
    func action(
        _ proxy: ProxyConfiguration, matching expression: String?, in candidate: Candidate, worker: Int
    ) -> Action {
        HandlerAction(
            ProxyHandler(
                upstream: upstream(proxy.upstream, in: candidate, worker: worker),
                route: ProxyRoute(proxy, matching: expression),
                buffering: ProxyHandler.Buffering(proxy.buffer),
                reporter: reporters[worker]))
    }

    /// Nil when no server uses TLS.
    ///
    /// - Parameter files: the files read beforehand, by absolute path; others are read now.
    static func makeSecurity(
        for configuration: UpstreamConfiguration, files: [String: [UInt8]]
    ) throws(CertificateProblem) -> UpstreamTLS? {
        guard configuration.servers.contains(where: \.url.isSecure) else { return nil }
        let reader: FileReader = { path throws(CertificateProblem) in
            if let bytes = files[path] { return bytes }
            return try CertificateFileSystem.read(path)
        }
        let context = try TLSClientContext(TLSClientContext.Settings(configuration.tls), readFile: reader)
        return UpstreamTLS(context, names: configuration.servers.map { configuration.tls.serverName ?? $0.url.host })
    }

    private func security(
        for configuration: UpstreamConfiguration, files: [String: [UInt8]]
    ) throws(GatewayError) -> UpstreamTLS? {
        do throws(CertificateProblem) {
            return try Self.makeSecurity(for: configuration, files: files)
        } catch {
            throw .configuration("upstream \(configuration.name): \(error.description)")
        }
    }

    private func makeUpstream(
        _ configuration: UpstreamConfiguration,
        _ servers: [(configuration: ServerConfiguration, addresses: [SocketAddress])], _ balancing: Balancing,
        _ state: UpstreamState, _ security: UpstreamTLS?, _ worker: Worker
    ) -> Upstream {
        Upstream(
            UpstreamSettings(configuration),
            servers: servers.enumerated().map { index, server in
                UpstreamServer(
                    index: index, name: server.configuration.url.authority, weight: server.configuration.weight,
                    isSecure: server.configuration.url.isSecure, addresses: server.addresses,
                    isBackup: server.configuration.isBackup, slowStart: Delay(configuration.slowStart),
                    state: state.servers[index], sticky: balancing.sticky)
            },
            balancing: balancing, state: state, worker: worker, security: security)
    }
}

/// The upstreams of one configuration, for reports.
struct UpstreamView: Sendable {
    struct One: Sendable {
        let name: String
        let state: UpstreamState
        /// By worker and server.
        let counters: [[ServerCounters]]

        /// The sum of a number over all workers, for the server at `index`.
        func sum(_ index: Int, _ number: (ServerCounters) -> UInt64) -> UInt64 {
            counters.reduce(0) { $0 + number($1[index]) }
        }
    }

    let upstreams: [One]

    /// The current state of every upstream, by name.
    func status() -> [UpstreamStatus] {
        let now = Deadline(milliseconds: CLinux_monotonic_ns() / 1_000_000)
        return upstreams.map { upstream in
            UpstreamStatus(
                name: upstream.name, waitingRequests: upstream.state.queue.count,
                servers: upstream.state.snapshot(at: now).map { server in
                    UpstreamStatus.ServerStatus(
                        url: server.name, state: !server.isUp ? "down" : server.ejectedFor == nil ? "up" : "ejected",
                        ejectedMilliseconds: server.ejectedFor, activeRequests: server.activeRequests,
                        tunnels: server.tunnels.open, tunnelBytesToServer: server.tunnels.toServer,
                        tunnelBytesToClients: server.tunnels.toClients)
                })
        }
    }
}

/// An upstream in use, on every worker.
private final class LoadedUpstream {
    let configuration: UpstreamConfiguration
    /// The files of its TLS, which may change while the configuration stays.
    let material: [[UInt8]]
    let resolver: ResolverConfiguration
    let state: UpstreamState
    let upstreams: [Upstream]
    /// The names of its servers.
    private let watches: [Resolver.Watch]
    /// One for each server, if servers are checked actively.
    let checkers: [HealthChecker]

    init(
        configuration: UpstreamConfiguration, resolver: ResolverConfiguration, material: [[UInt8]],
        state: UpstreamState, upstreams: [Upstream], watches: [Resolver.Watch]
    ) {
        self.resolver = resolver
        self.watches = watches
        self.configuration = configuration
        self.material = material
        self.state = state
        self.upstreams = upstreams
        let check = configuration.health.active.map(HealthCheck.init)
        checkers =
            check.map { check in configuration.servers.indices.map { HealthChecker(server: $0, check: check) } } ?? []
    }

    deinit {
        for watch in watches { watch.cancel() }
    }
}
