import CLinux
import Dispatch
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
    /// Also of other servers that the configuration names.
    let names: ServerNames
    private var current: [String: LoadedUpstream] = [:]

    init(logger: Logger, workers: [Worker]) {
        self.workers = workers
        reporters = workers.map { ProxyLog(logger, $0) }
        names = ServerNames(logger: logger, workers: workers)
    }

    /// A set of upstreams that is not in use yet.
    struct Candidate {
        fileprivate let loaded: [String: LoadedUpstream]
        /// Of upstreams that are kept.
        fileprivate let changes: [ServerChange]
    }

    /// Creates the upstreams of `configurations` that the current set lacks.
    func prepare(
        _ configurations: [UpstreamConfiguration], resolver: ResolverConfiguration, files: [String: [UInt8]]
    ) throws(GatewayError) -> Candidate {
        var loaded: [String: LoadedUpstream] = [:]
        for configuration in configurations {
            let material = configuration.files.map { files[$0] ?? [] }
            if let current = current[configuration.name], current.configuration.isSame(as: configuration),
                current.resolver == resolver, current.material == material
            {
                loaded[configuration.name] = current
                continue
            }
            loaded[configuration.name] = try load(configuration, resolver, material, files: files)
        }
        let kept = configurations.filter { loaded[$0.name] === current[$0.name] }
        return Candidate(loaded: loaded, changes: try prepareServers(of: kept, files: files))
    }

    private func load(
        _ configuration: UpstreamConfiguration, _ resolver: ResolverConfiguration, _ material: [[UInt8]],
        files: [String: [UInt8]]
    ) throws(GatewayError) -> LoadedUpstream {
        let security = try security(for: configuration, files: files)
        let balancing = try Balancing(configuration, files: files)
        let state = UpstreamState(configuration, inheriting: current[configuration.name]?.state)
        let servers = zip(configuration.servers, state.servers).enumerated().map { index, server in
            LoadedServer(server.0, server.1, index: index, in: configuration, balancing, workers: workers.count)
        }
        let upstreams = workers.map { worker in
            Upstream(
                UpstreamSettings(configuration), servers: servers.map { $0.perWorker[worker.index] },
                balancing: balancing, state: state, worker: worker, security: security)
        }
        names.watch(servers, resolver)
        return LoadedUpstream(
            configuration: configuration, resolver: resolver, material: material, state: state,
            balancing: balancing, security: security, servers: servers, upstreams: upstreams)
    }

    /// Switches to the candidate; workers release the upstreams that it no longer has. Only after they serve without
    /// these.
    func commit(_ candidate: Candidate) {
        for (name, new) in candidate.loaded where current[name] !== new { startChecks(of: new.servers, in: new) }
        for (name, old) in current where candidate.loaded[name] !== old {
            for server in old.servers { server.checker?.stop() }
            for (worker, upstream) in zip(workers, old.upstreams) { worker.perform { _ in upstream.retire() } }
        }
        current = candidate.loaded
        replaceServers(candidate.changes)
    }

    /// Each server is checked by one of the workers.
    private func startChecks(of servers: [LoadedServer], in loaded: LoadedUpstream) {
        for server in servers {
            guard let checker = server.checker else { continue }
            let worker = workers[server.index % workers.count]
            let upstream = loaded.upstreams[worker.index]
            let reporter = reporters[worker.index]
            worker.perform { worker in
                Task(executorPreference: worker) { await checker.run(upstream, reporter) }
            }
        }
    }

    // MARK: Servers that change

    /// Other servers for an upstream in use.
    struct ServerChange {
        fileprivate let loaded: LoadedUpstream
        fileprivate let configuration: UpstreamConfiguration
        fileprivate let security: UpstreamTLS?

        /// For people.
        let sentence: String

        fileprivate init(_ loaded: LoadedUpstream, _ configuration: UpstreamConfiguration, _ security: UpstreamTLS?) {
            self.loaded = loaded
            self.configuration = configuration
            self.security = security
            let old = Set(loaded.configuration.servers.map(\.url))
            let new = Set(configuration.servers.map(\.url))
            sentence =
                "servers of upstream \(configuration.name): \(new.subtracting(old).count) added, "
                + "\(old.subtracting(new).count) removed, \(new.count) in use"
        }
    }

    /// The upstreams in use whose servers differ from those of `configurations`.
    func prepareServers(
        of configurations: [UpstreamConfiguration], files: [String: [UInt8]]
    ) throws(GatewayError) -> [ServerChange] {
        var changes: [ServerChange] = []
        for configuration in configurations {
            guard configuration.serversFile != nil, let loaded = current[configuration.name],
                loaded.configuration.servers != configuration.servers
            else { continue }
            var security = loaded.security
            if security == nil { security = try self.security(for: configuration, files: files) }
            changes.append(ServerChange(loaded, configuration, security))
        }
        return changes
    }

    /// Switches to other servers: those that stay keep their connections and what is known of them, and requests in
    /// progress at the others go on.
    ///
    /// Returns when every worker has switched.
    func replaceServers(_ changes: [ServerChange]) {
        for change in changes { replaceServers(change) }
    }

    private func replaceServers(_ change: ServerChange) {
        let loaded = change.loaded
        let configuration = change.configuration
        let security = change.security
        let known = Dictionary(uniqueKeysWithValues: loaded.servers.map { ($0.configuration.url, $0) })
        var added: [LoadedServer] = []
        let servers = configuration.servers.map { server in
            if let old = known[server.url], old.configuration.isService == server.isService { return old }
            let state = ServerState(server, isVariable: true, tunnels: known[server.url]?.state.tunnels)
            let new = LoadedServer(
                server, state, index: loaded.takeIndex(), in: configuration, loaded.balancing, workers: workers.count)
            added.append(new)
            return new
        }
        // The first answers are awaited before the servers are used.
        names.watch(added, loaded.resolver)
        loaded.state.replaceServers(servers.map(\.state))
        let switched = DispatchGroup()
        for (worker, upstream) in zip(workers, loaded.upstreams) {
            let own = zip(servers, configuration.servers).map { ($0.perWorker[worker.index], $1.weight, $1.isBackup) }
            switched.enter()
            worker.perform { _ in
                for (server, weight, isBackup) in own { server.change(weight: weight, isBackup: isBackup) }
                upstream.replaceServers(own.map(\.0), security: security)
                switched.leave()
            }
        }
        switched.wait()
        let staying = Set(servers.map(ObjectIdentifier.init))
        for server in loaded.servers where !staying.contains(ObjectIdentifier(server)) { server.checker?.stop() }
        for (server, configured) in zip(servers, configuration.servers) {
            server.configuration = configured
            server.state.setMaximumRequests(configured.maxConnections)
        }
        loaded.servers = servers
        loaded.configuration = configuration
        loaded.security = security
        startChecks(of: added, in: loaded)
        loaded.state.offerCapacity(at: .current())
    }

    /// What can be asked of them from any thread.
    var view: UpstreamView {
        UpstreamView(
            upstreams: current.values.map { loaded in
                UpstreamView.One(
                    name: loaded.configuration.name, state: loaded.state, servers: loaded.servers.map(\.state),
                    counters: workers.indices.map { worker in loaded.servers.map { $0.perWorker[worker].counters } })
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
        return UpstreamTLS(context)
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
}

/// The upstreams of one configuration, for reports.
struct UpstreamView: Sendable {
    struct One: Sendable {
        let name: String
        let state: UpstreamState
        let servers: [ServerState]
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
                servers: upstream.state.snapshot(of: upstream.servers, at: now).map { server in
                    UpstreamStatus.ServerStatus(
                        url: server.name, state: !server.isUp ? "down" : server.ejectedFor == nil ? "up" : "ejected",
                        ejectedMilliseconds: server.ejectedFor, activeRequests: server.activeRequests,
                        tunnels: server.tunnels.open, tunnelBytesToServer: server.tunnels.toServer,
                        tunnelBytesToClients: server.tunnels.toClients)
                })
        }
    }
}
