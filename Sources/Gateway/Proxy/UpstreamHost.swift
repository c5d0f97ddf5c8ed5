import Glibc
import HTTP
import Logging
import Proxy
import TLS
import Transport

/// The upstreams of the current configuration; what a reload does not change stays as it is, with its connections.
final class UpstreamHost {
    private let workers: [Worker]
    private let reporters: [ProxyLog]
    private var current: [String: LoadedUpstream] = [:]

    init(logger: Logger, workers: [Worker]) {
        self.workers = workers
        reporters = workers.map { ProxyLog(logger, $0) }
    }

    /// A set of upstreams that is not in use yet.
    struct Candidate {
        fileprivate let loaded: [String: LoadedUpstream]
    }

    /// Makes what `configurations` has beyond the current set.
    func prepare(
        _ configurations: [UpstreamConfiguration], files: [String: [UInt8]]
    ) throws(GatewayError) -> Candidate {
        var loaded: [String: LoadedUpstream] = [:]
        for configuration in configurations {
            let material = configuration.tls.files.map { files[$0] ?? [] }
            if let current = current[configuration.name], current.configuration == configuration,
                current.material == material
            {
                loaded[configuration.name] = current
                continue
            }
            let security = try Self.makeSecurity(for: configuration, files: files)
            let servers = configuration.servers.map { (configuration: $0, addresses: $0.url.addresses) }
            loaded[configuration.name] = LoadedUpstream(
                configuration: configuration, material: material,
                upstreams: workers.map { makeUpstream(configuration, servers, security, $0) })
        }
        return Candidate(loaded: loaded)
    }

    /// Serves by the candidate; what it has no more is given up by its workers. Only after they serve without it.
    func commit(_ candidate: Candidate) {
        for (name, old) in current where candidate.loaded[name] !== old {
            for (worker, upstream) in zip(workers, old.upstreams) { worker.perform { _ in upstream.retire() } }
        }
        current = candidate.loaded
    }

    func action(_ proxy: ProxyConfiguration, in candidate: Candidate, worker: Int) -> Action {
        guard let upstream = candidate.loaded[proxy.upstream]?.upstreams[worker] else {
            preconditionFailure("a configuration names upstreams that it has")
        }
        return HandlerAction(
            ProxyHandler(upstream: upstream, route: ProxyRoute(proxy), reporter: reporters[worker]))
    }

    /// Nil when no server wants TLS.
    static func makeSecurity(
        for configuration: UpstreamConfiguration, files: [String: [UInt8]]
    ) throws(GatewayError) -> UpstreamTLS? {
        guard configuration.servers.contains(where: \.url.isSecure) else { return nil }
        let reader: FileReader = { path throws(CertificateProblem) in
            if let bytes = files[path] { return bytes }
            return try CertificateFileSystem.read(path)
        }
        do throws(CertificateProblem) {
            let context = try TLSClientContext(TLSClientContext.Settings(configuration.tls), readFile: reader)
            let names = configuration.servers.map { configuration.tls.serverName ?? $0.url.host }
            return UpstreamTLS(context, names: names)
        } catch {
            throw .configuration("upstream \(configuration.name): \(error.description)")
        }
    }

    private func makeUpstream(
        _ configuration: UpstreamConfiguration,
        _ servers: [(configuration: ServerConfiguration, addresses: [SocketAddress])], _ security: UpstreamTLS?,
        _ worker: Worker
    ) -> Upstream {
        Upstream(
            UpstreamSettings(configuration),
            servers: servers.enumerated().map { index, server in
                UpstreamServer(
                    index: index, name: server.configuration.url.authority, weight: server.configuration.weight,
                    isSecure: server.configuration.url.isSecure, addresses: server.addresses)
            },
            balancer: RoundRobin(), worker: worker, security: security)
    }
}

/// An upstream in use, on every worker.
private final class LoadedUpstream {
    let configuration: UpstreamConfiguration
    /// The files of its TLS, which may change while the configuration stays.
    let material: [[UInt8]]
    let upstreams: [Upstream]

    init(configuration: UpstreamConfiguration, material: [[UInt8]], upstreams: [Upstream]) {
        self.configuration = configuration
        self.material = material
        self.upstreams = upstreams
    }
}

/// What servers do wrong, logged by reason without flooding the log.
private final class ProxyLog: ProxyReporter {
    private let log: ReasonLog

    init(_ logger: Logger, _ worker: Worker) {
        log = ReasonLog("upstream failed", logger: logger, worker: worker)
    }

    func report(_ failure: ProxyFailure, upstream: String, server: String?) {
        let place = server.map { "\(upstream) \($0)" } ?? upstream
        let detail = failure.detail.map { ": \($0)" } ?? ""
        log.note("\(place): \(failure.reason)\(detail)", from: nil)
    }
}
