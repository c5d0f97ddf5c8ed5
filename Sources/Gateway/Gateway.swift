import Glibc
import HTTP
import Logging
import Synchronization
import TLS
import Transport

/// A configured gateway: its workers, listeners, certificates and extensions, and the order they begin and end in.
///
/// Starting: certificates are loaded, every address is bound, privileges are dropped, extensions are loaded, workers
/// run. Ending: listeners close, connections finish, workers end, pools end, `TerminateExtension` is called last.
package final class Gateway {
    private let configuration: Configuration
    private let logger: Logger
    private let countdown: Countdown
    private var threads: [WorkerThread] = []
    private var parts: [WorkerParts] = []
    private let extensions: ExtensionHost

    /// - Parameter whenStopped: called on some thread once the last worker has ended.
    package init(_ configuration: Configuration, logger: Logger, whenStopped: @escaping @Sendable () -> Void) {
        self.configuration = configuration
        self.logger = logger
        countdown = Countdown(whenStopped)
        extensions = ExtensionHost(logger: logger)
    }

    /// Tries what can be tried without serving: that every certificate loads and matches its key.
    package static func validate(_ configuration: Configuration) throws(GatewayError) {
        _ = try loadCertificates(of: configuration)
    }

    // MARK: Start

    package func start() throws(GatewayError) {
        raiseDescriptorLimit()
        let stores = try Self.loadCertificates(of: configuration)
        let workers = try makeWorkers()
        let sockets = try bindListeners(for: workers)
        try dropPrivileges(to: configuration.user)
        let accessLogFile = try openAccessLog()
        try extensions.load(configuration.extensions, for: workers)
        let tables = makeSiteTables()
        let admission = Admission(limit: configuration.limits.maxConnections)
        for worker in workers {
            let builder = WorkerBuilder(
                configuration: configuration, worker: worker, logger: logger, stores: stores, tables: tables,
                admission: admission, accessLogFile: accessLogFile)
            parts.append(builder.build(sockets[worker.index]))
            threads.append(WorkerThread(worker, onEnd: countdown.step))
        }
        countdown.start(from: threads.count)
        for thread in threads { thread.start() }
        logger.notice("ready: \(threads.count) workers, \(configuration.sites.count) sites")
    }

    private func makeWorkers() throws(GatewayError) -> [Worker] {
        let count: Int
        switch configuration.workers {
        case .automatic: count = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        case .count(let configured): count = configured
        }
        var workers: [Worker] = []
        for index in 0..<count {
            do throws(TransportFailure) {
                workers.append(try Worker(index: index))
            } catch {
                throw .runtime("cannot create event loop \(index): \(error.message)")
            }
        }
        return workers
    }

    /// The certificates of each TLS listener, by listener name.
    private static func loadCertificates(
        of configuration: Configuration
    ) throws(GatewayError) -> [String: CertificateStore] {
        var stores: [String: CertificateStore] = [:]
        for listener in configuration.listeners {
            guard let tls = listener.tls else { continue }
            var policy = TLSPolicy()
            policy.minimum = tls.minimumVersion == .tls13 ? .tls13 : .tls12
            policy.applicationProtocols = tls.applicationProtocols.map(\.rawValue)
            var sites: [(hosts: [String], context: TLSContext)] = []
            for site in configuration.sites where site.listen.contains(listener.name) && !site.certificates.isEmpty {
                let files = site.certificates.map { CertificateFiles(chain: $0.chain, key: $0.key) }
                do throws(TLSError) {
                    sites.append((site.hosts.map(\.text), try TLSContext(policy: policy, certificates: files)))
                } catch {
                    throw .configuration("site \(site.hosts.first?.text ?? "without hosts"): \(error.description)")
                }
            }
            guard !sites.isEmpty else {
                throw .configuration("listener \(listener.name): no site with certificates listens on it")
            }
            stores[listener.name] = CertificateStore(sites)
        }
        return stores
    }

    /// Binds every address of every listener once per worker; outer index: worker, inner: listener.
    private func bindListeners(for workers: [Worker]) throws(GatewayError) -> [[BoundListener]] {
        var sockets = [[BoundListener]](repeating: [], count: workers.count)
        for listener in configuration.listeners {
            for text in listener.bind.map(\.description) {
                guard var address = SocketAddress(text) else {
                    throw .configuration("listener \(listener.name): \(text) is not an address")
                }
                for index in workers.indices {
                    do throws(TransportFailure) {
                        let socket = try ListeningSocket(address, exclusive: index == 0)
                        address = address.with(port: socket.address.port)
                        sockets[index].append(BoundListener(name: listener.name, socket: socket))
                    } catch {
                        throw .runtime("listener \(listener.name): cannot bind \(text): \(error.message)")
                    }
                }
                let scheme = listener.tls == nil ? "http" : "https"
                logger.notice("listener \(listener.name): \(scheme)://\(address.description)")
            }
        }
        return sockets
    }

    private func openAccessLog() throws(GatewayError) -> AccessLogFile? {
        guard let access = configuration.log.access else { return nil }
        do throws(TransportFailure) {
            return try AccessLogFile(access.destination, header: AccessLog.header(of: access.format, at: .now()))
        } catch {
            throw .runtime("access log: \(error.message)")
        }
    }

    private func makeSiteTables() -> [String: SiteTable] {
        var tables: [String: SiteTable] = [:]
        let sites = configuration.sites.enumerated().map { index, site in
            let routes = site.routes.map { route in
                (route.path, makeAction(route, of: site, number: index + 1))
            }
            return (site, RouteTable(routes))
        }
        for listener in configuration.listeners {
            tables[listener.name] = SiteTable(
                sites.filter { $0.0.listen.contains(listener.name) }.map { ($0.0.hosts, $0.1) })
        }
        return tables
    }

    private func makeAction(_ route: RouteConfiguration, of site: SiteConfiguration, number: Int) -> Action {
        switch route.action {
        case .respond(let response):
            RespondAction(
                FixedResponse(
                    status: response.status, fields: response.headers.map { ($0.name, $0.value) },
                    body: Array(response.body.utf8)))
        case .redirect(let redirect):
            RedirectAction(status: redirect.status, target: redirect.to)
        case .runExtension(let name):
            extensions.action(for: name, route: route.path, site: site, siteNumber: number)
        }
    }

    // MARK: Ending

    /// Closes the listeners and lets connections finish what they are doing.
    package func drain() {
        for (thread, parts) in zip(threads, parts) {
            thread.worker.perform { worker in
                for listener in parts.listeners { listener.close() }
                worker.drain()
                worker.stop()
            }
        }
    }

    /// Cuts the connections that are left.
    package func abort() {
        for thread in threads {
            thread.worker.perform { $0.abortConnections() }
        }
    }

    /// Waits for workers and pools and unloads the extensions; only after `whenStopped` was called.
    package func finish() {
        for thread in threads { thread.join() }
        extensions.stop()
        logger.notice("stopped")
    }
}

/// One address of a listener, bound for one worker.
struct BoundListener {
    let name: String
    let socket: ListeningSocket
}

/// Counts down from the number of workers and tells when the last has ended.
private final class Countdown: Sendable {
    private let remaining = Atomic(0)
    private let whenDone: @Sendable () -> Void

    init(_ whenDone: @escaping @Sendable () -> Void) {
        self.whenDone = whenDone
    }

    func start(from count: Int) {
        remaining.store(count, ordering: .releasing)
    }

    func step() {
        if remaining.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { whenDone() }
    }
}

extension HostPattern {
    /// The pattern as the file spells it.
    var text: String {
        switch self {
        case .any: "*"
        case .exact(let name): name
        case .wildcard(let suffix): "*\(suffix)"
        }
    }
}
