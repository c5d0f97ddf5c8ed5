import Dispatch
import Glibc
import HTTP
import Logging
import Synchronization
import TLS
import Transport

/// A running gateway: its workers, what they serve by, and the order things begin and end in.
///
/// Starting: every address is bound, privileges are dropped, certificates and extensions are loaded, workers run.
/// Ending: listeners close, connections finish, workers end, pools end, `TerminateExtension` is called last.
package final class Gateway {
    private var configuration: Configuration
    private let logger: Logger
    private let countdown: Countdown
    private let admission: Admission
    private var servers: [WorkerServer] = []
    private var threads: [WorkerThread] = []
    private var extensions: ExtensionHost?
    private var accessLog: AccessLogTarget?
    private var certificates: CertificateSet?
    private var generation = 0
    private var workerCount = 0

    /// - Parameter whenStopped: called on some thread once the last worker has ended.
    package init(_ configuration: Configuration, logger: Logger, whenStopped: @escaping @Sendable () -> Void) {
        self.configuration = configuration
        self.logger = logger
        countdown = Countdown(whenStopped)
        admission = Admission(limit: configuration.limits.maxConnections)
    }

    /// Tries what can be tried without serving: that every certificate loads and matches its key.
    package static func validate(_ configuration: Configuration) throws(GatewayError) {
        _ = try GenerationBuilder.loadCertificates(of: configuration)
    }

    // MARK: Start

    package func start() throws(GatewayError) {
        raiseDescriptorLimit()
        let workers = try makeWorkers()
        let sockets = try bindListeners(configuration.listeners, workers: workers.count)
        try dropPrivileges(to: configuration.user)
        let extensions = ExtensionHost(logger: logger, workers: workers)
        self.extensions = extensions
        let (generation, candidate) = try prepare(configuration, extensions, tolerant: true)
        extensions.commit(candidate)
        for worker in workers {
            let server = WorkerServer(worker, admission: admission, logger: logger)
            server.apply(generation, adding: sockets[worker.index], removing: [])
            servers.append(server)
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
        workerCount = count
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

    /// Binds every address of `listeners` once per worker; outer index: worker.
    private func bindListeners(
        _ listeners: [ListenerConfiguration], workers: Int
    ) throws(GatewayError) -> [[BoundListener]] {
        var sockets = [[BoundListener]](repeating: [], count: workers)
        for listener in listeners {
            for text in listener.bind.map(\.description) {
                guard var address = SocketAddress(text) else {
                    throw .configuration("listener \(listener.name): \(text) is not an address")
                }
                for index in 0..<workers {
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

    // MARK: What is served

    private func prepare(
        _ configuration: Configuration, _ extensions: ExtensionHost, tolerant: Bool
    ) throws(GatewayError) -> (Generation, ExtensionHost.Candidate) {
        let accessLog = try openAccessLog(configuration.log.access)
        let candidate = try extensions.prepare(configuration.extensions, tolerant: tolerant)
        let builder = GenerationBuilder(
            configuration: configuration, number: generation + 1, workers: workerCount, extensions: extensions,
            candidate: candidate, accessLog: accessLog, previousCertificates: certificates)
        let built = try builder.build()
        for warning in built.certificates.warnings { logger.warning("\(warning.description)") }
        certificates = built.certificates
        generation += 1
        self.accessLog = accessLog
        return (built, candidate)
    }

    private func openAccessLog(_ access: AccessLogConfiguration?) throws(GatewayError) -> AccessLogTarget? {
        guard let access else { return nil }
        if let accessLog, access == configuration.log.access { return accessLog }
        do throws(TransportFailure) {
            let file = try AccessLogFile(access.destination, header: AccessLog.header(of: access.format, at: .now()))
            return AccessLogTarget(format: access.format, file: file)
        } catch {
            throw .runtime("access log: \(error.message)")
        }
    }

    /// Serves by `new` from now on, or changes nothing.
    ///
    /// Returns when every worker has taken over: each handshake and each request that begins afterwards is served by
    /// the new configuration. Connections stay; requests under way end as they began.
    package func reload(_ new: Configuration) throws(GatewayError) {
        guard let extensions else { throw .runtime("the gateway has not started") }
        let addresses = ListenerDifference(from: configuration.listeners, to: new.listeners)
        let sockets = try bindListeners(addresses.added, workers: servers.count)
        let (generation, candidate) = try prepare(new, extensions, tolerant: false)
        let applied = DispatchGroup()
        for server in servers {
            let added = Sockets(list: sockets[server.worker.index])
            applied.enter()
            server.worker.perform { _ in
                server.apply(generation, adding: added.list, removing: addresses.removed)
                applied.leave()
            }
        }
        applied.wait()
        extensions.commit(candidate)
        admission.limit = new.limits.maxConnections
        if new.workers != configuration.workers || new.user != configuration.user {
            logger.warning("workers and user change only with a restart")
        }
        configuration = new
        logger.notice("serving generation \(generation.number) of the configuration")
    }

    private struct Sockets: @unchecked Sendable {
        let list: [BoundListener]
    }

    // MARK: Ending

    /// Closes the listeners and lets connections finish what they are doing.
    package func drain() {
        for server in servers {
            server.worker.perform { _ in server.drain() }
        }
    }

    /// Cuts the connections that are left.
    package func abort() {
        for server in servers {
            server.worker.perform { $0.abortConnections() }
        }
    }

    /// Waits for workers and pools and unloads the extensions; only after `whenStopped` was called.
    ///
    /// - Parameter limit: how long extensions may take to let go.
    package func finish(within limit: Duration) {
        for thread in threads { thread.join() }
        threads = []
        servers = []
        if let extensions, !extensions.stop(within: limit) {
            logger.warning("an extension did not let go of its requests in time")
        }
        logger.notice("stopped")
    }
}

/// One address of a listener, bound for one worker.
struct BoundListener {
    let name: String
    let socket: ListeningSocket
}

/// Which addresses a new configuration binds and gives up; a listener that turns to or from TLS keeps its address.
struct ListenerDifference {
    /// Listeners with only their new addresses.
    let added: [ListenerConfiguration]
    let removed: Set<String>

    init(from old: [ListenerConfiguration], to new: [ListenerConfiguration]) {
        let oldNames = Dictionary(uniqueKeysWithValues: old.map { ($0.name, Set($0.bind)) })
        let newNames = Dictionary(uniqueKeysWithValues: new.map { ($0.name, Set($0.bind)) })
        added = new.compactMap { listener in
            var listener = listener
            let known = oldNames[listener.name] ?? []
            listener.bind.removeAll { known.contains($0) }
            return listener.bind.isEmpty ? nil : listener
        }
        removed = Set(
            old.flatMap { listener in
                listener.bind.filter { !(newNames[listener.name] ?? []).contains($0) }.map(\.description)
            })
    }
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
