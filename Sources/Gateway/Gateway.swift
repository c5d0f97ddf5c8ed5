import Dispatch
import Glibc
import HTTP
import ISAPI
import Logging
import TLS
import Transport

/// A running gateway: its workers, the generation they serve, and the order of start and end.
///
/// Start: privileges are dropped, certificates and extensions are loaded, workers take the listening sockets and run.
/// End: listeners close, connections finish, workers end, pools end, `TerminateExtension` is called last.
package final class Gateway: GatewayControl {
    /// Without its sites once they are served: a generation has what is needed of them.
    private var configuration: Configuration
    private let logger: Logger
    private let launcher: any HostLauncher
    private let countdown: Countdown
    private let admission: Admission
    private let clients: ClientConnections
    private var servers: [WorkerServer] = []
    private var threads: [WorkerThreads] = []
    private var extensions: ExtensionHost?
    private var filesLog: FilesLog?
    private let mappings: FileMappings
    private var upstreams: UpstreamHost?
    private var engines: SharedEngineHost?
    private let accessLogs: AccessLogHost
    private let builder = BuildingThread()
    private var current: Generation?
    private var certificates: CertificateSet? { current?.certificates }
    private var generation: Int { current?.number ?? 0 }
    private var served: Set<ServedAddress> = []
    /// The files of the certificates of each listener with TLS.
    private var certificateFiles: [String: [String]] = [:]
    private let acme: AcmeHost
    private let etcd: EtcdHost
    private let monitor = Monitor()
    private let certificateNotices: CertificateNotices
    let siteNumbers = SiteNumbers()
    private let began = ContinuousClock.now
    private var workerCount = 0

    /// - Parameter whenStopped: called on any thread once the last worker has ended.
    /// - Parameter launcher: starts the processes of pools.
    package init(
        _ configuration: Configuration, logger: Logger, launcher: any HostLauncher = ChildLauncher(),
        whenStopped: @escaping @Sendable () -> Void
    ) {
        self.configuration = configuration
        self.launcher = launcher
        let logger = logger.recording(monitor.events)
        self.logger = logger
        accessLogs = AccessLogHost(logger)
        certificateNotices = CertificateNotices(logger)
        acme = AcmeHost(logger)
        etcd = EtcdHost(logger)
        countdown = Countdown(whenStopped)
        admission = Admission(limit: configuration.limits.maxConnections)
        clients = ClientConnections(limit: configuration.limits.clientConnections ?? .max)
        mappings = FileMappings {
            logger.warning("files are not mapped: other code has taken the signal SIGBUS over")
        }
    }

    /// Tries what can be tried without serving: that every certificate of a site loads and matches its key, and that
    /// error pages and users can be read. Upstreams' files are tried by `Configuration.loadWithUpstreamFiles`.
    ///
    /// - Returns: warnings about what works but is probably not intended.
    ///
    /// - Parameter noteFile: called for each file of a certificate or key that is read.
    package static func validate(
        _ configuration: Configuration, noteFile: @escaping @Sendable () -> Void = {}
    ) throws(GatewayError) -> [String] {
        let certificates = try GenerationBuilder.loadCertificates(of: configuration, noteFile: noteFile)
        _ = try ErrorPageReader().read(configuration.sites)
        _ = try PasswordFileReader().read(configuration.sites)
        return certificates.warnings.map(\.description) + configuration.programWarnings
    }

    // MARK: Start

    package func start(_ material: Material) throws(GatewayError) {
        raiseDescriptorLimit()
        tryRecords()
        let workers = try makeWorkers(material.workerCount)
        try dropPrivileges(to: configuration.user)
        keepFromPools(configuration)
        let extensions = ExtensionHost(logger: logger, workers: workers, launcher: launcher)
        self.extensions = extensions
        let upstreams = UpstreamHost(logger: logger, workers: workers)
        self.upstreams = upstreams
        let engines = SharedEngineHost(logger: logger, workers: workers, names: upstreams.names)
        self.engines = engines
        let filesLog = FilesLog(logger, workers)
        self.filesLog = filesLog
        let next = try prepare(configuration, material, extensions, upstreams, engines, filesLog, tolerant: true)
        extensions.commit(next.extensions)
        upstreams.commit(next.upstreams)
        engines.commit(next.engines)
        // After extensions have been loaded, which may install a handler for the signal: theirs gets the other faults.
        mappings.setLimit(configuration.fileCache.mapped)
        for worker in workers {
            let server = WorkerServer(worker, admission: admission, clients: clients, logger: logger)
            let sockets = material.sockets.filter { $0.worker == worker.index }
            server.apply(next.generation, adding: sockets, removing: [])
            servers.append(server)
            threads.append(
                WorkerThreads(worker) { [countdown] in
                    server.end()
                    countdown.step()
                })
        }
        served = Set(material.sockets.map(ServedAddress.init))
        certificateFiles = configuration.certificateFiles
        let plan = AcmePlan(configuration, files: material.files)
        let discovery = EtcdPlan(configuration, files: material.files)
        configuration.sites = []
        publish()
        countdown.start(from: threads.count)
        for thread in threads { thread.start() }
        acme.serve(plan)
        etcd.serve(discovery)
    }

    /// Whether the gateway may handle the records of TLS 1.3; if the library does not behave as required, OpenSSL does.
    private func tryRecords() {
        let logger = logger
        RecordProtection.onFirstRefusal { logger.warning("\($0)") }
        guard let failure = RecordProtection.failure else { return }
        logger.warning("\(TLSLibrary.version) makes and opens all records itself, which costs time: \(failure)")
    }

    private func makeWorkers(_ count: Int) throws(GatewayError) -> [Worker] {
        workerCount = count
        var workers: [Worker] = []
        for index in 0..<count {
            do throws(TransportFailure) {
                workers.append(try Worker(index: index, mappings: mappings))
            } catch {
                throw .runtime("cannot create event loop \(index): \(error.message)")
            }
        }
        return workers
    }

    // MARK: What is served

    private func prepare(
        _ configuration: Configuration, _ material: Material, _ extensions: ExtensionHost,
        _ upstreams: UpstreamHost, _ engines: SharedEngineHost, _ filesLog: FilesLog, tolerant: Bool
    ) throws(GatewayError) -> Prepared {
        let logs = try accessLogs.prepare(configuration.log.access)
        let candidate = try extensions.prepare(
            configuration.extensions, found: ScriptFolders.extensions(of: configuration), tolerant: tolerant)
        let upstreamCandidate = try upstreams.prepare(
            configuration.upstreams, resolver: configuration.resolver, files: material.files)
        let engineCandidate = try engines.prepare(
            configuration.shared, resolver: configuration.resolver, files: material.files)
        let generationBuilder = GenerationBuilder(
            configuration: configuration, number: generation + 1, workers: workerCount, extensions: extensions,
            candidate: candidate, upstreams: upstreams, upstreamCandidate: upstreamCandidate,
            engines: engineCandidate, filesLog: filesLog,
            accessLogs: logs, previousCertificates: certificates,
            previousLimiters: current?.limiters ?? [:], previousHandshakes: current?.handshakes, monitor: monitor,
            siteNumbers: siteNumbers,
            files: material.files,
            chains: material.chains, acme: acme)
        let built = try builder.run { () throws(GatewayError) in try generationBuilder.build() }
        warn(of: built.certificates)
        current = built
        accessLogs.commit(logs)
        return Prepared(
            generation: built, extensions: candidate, upstreams: upstreamCandidate, engines: engineCandidate)
    }

    /// A generation that is ready, and becomes current once the workers serve it.
    private struct Prepared {
        let generation: Generation
        let extensions: ExtensionHost.Candidate
        let upstreams: UpstreamHost.Candidate
        let engines: SharedEngineHost.Candidate
    }

    /// Logs the warnings of new certificates, except those that the certificates in use had already.
    private func warn(of new: CertificateSet) {
        let known = Set(certificates?.warnings ?? [])
        for warning in new.warnings where !known.contains(warning) { logger.warning("\(warning.description)") }
        certificateNotices.follow(new.reports)
    }

    package func reload(_ material: Material) -> Result<ReloadReport, GatewayError> {
        report { () throws(GatewayError) in try serve(material) }
    }

    package func exchangeCertificates(_ material: Material) -> Result<ReloadReport, GatewayError> {
        report { () throws(GatewayError) in
            guard let current else { throw .runtime("the gateway has not started") }
            let certificates = try builder.run { () throws(GatewayError) in
                try GenerationBuilder.loadCertificates(
                    of: material.configuration, replacing: current.certificates, isPreviousAccepted: true,
                    from: material.files)
            }
            let servers = try upstreams.map { upstreams throws(GatewayError) in
                try upstreams.prepareServers(of: material.configuration.upstreams, files: material.files)
            }
            warn(of: certificates)
            let exchanged = current.exchanging(certificates)
            self.current = exchanged
            apply(exchanged)
            if let servers { upstreams?.replaceServers(servers) }
            // What it authenticates itself with may have changed.
            etcd.serve(EtcdPlan(material.configuration, files: material.files))
            publish()
            return servers?.map(\.sentence) ?? []
        }
    }

    /// - Parameter exchange: changes what is served; returns the changes besides certificates.
    private func report(_ exchange: () throws(GatewayError) -> [String]) -> Result<ReloadReport, GatewayError> {
        do throws(GatewayError) {
            let before = certificates
            let others = try exchange()
            for sentence in others { logger.notice("\(sentence)") }
            let changes = certificates?.changes(from: before) ?? []
            for change in changes where change.isChanged { logger.notice("\(change.sentence)") }
            return .success(ReloadReport(generation: generation, changes: changes.map(\.sentence) + others))
        } catch {
            return .failure(error)
        }
    }

    /// Serves `material` from now on, or changes nothing.
    ///
    /// Returns when every worker has switched: each handshake and each request that begins afterwards is served by the
    /// new configuration. Connections stay open; requests in progress end with the configuration they began with.
    ///
    /// - Returns: the changes of extensions.
    private func serve(_ material: Material) throws(GatewayError) -> [String] {
        guard let extensions, let upstreams, let engines, let filesLog else {
            throw .runtime("the gateway has not started")
        }
        let new = material.configuration
        let wanted = Set(material.sockets.map(ServedAddress.init))
        let removed = Set(served.subtracting(wanted).map(\.address))
        let added = material.sockets.filter { !served.contains(ServedAddress($0)) }
        keepFromPools(new)
        let next = try prepare(new, material, extensions, upstreams, engines, filesLog, tolerant: false)
        let changes = extensions.changes(to: next.extensions)
        apply(next.generation, adding: added, removing: removed)
        extensions.commit(next.extensions)
        upstreams.commit(next.upstreams)
        engines.commit(next.engines)
        admission.limit = new.limits.maxConnections
        clients.limit = new.limits.clientConnections ?? .max
        mappings.setLimit(new.fileCache.mapped)
        if new.workers != configuration.workers || new.user != configuration.user {
            logger.warning("workers and user change only with a restart")
        }
        configuration = new
        certificateFiles = new.certificateFiles
        acme.serve(AcmePlan(new, files: material.files))
        etcd.serve(EtcdPlan(new, files: material.files))
        configuration.sites = []
        served = wanted
        publish()
        return changes
    }

    /// Returns when every worker has switched.
    private func apply(
        _ generation: Generation, adding added: [BoundSocket] = [], removing removed: Set<String> = []
    ) {
        let applied = DispatchGroup()
        for server in servers {
            let own = Sockets(list: added.filter { $0.worker == server.worker.index })
            applied.enter()
            server.worker.perform { _ in
                server.apply(generation, adding: own.list, removing: removed)
                applied.leave()
            }
        }
        applied.wait()
        logger.notice("serving generation \(generation.number) of the configuration")
    }

    private struct Sockets: @unchecked Sendable {
        let list: [BoundSocket]
    }

    package func reopenLogs() {
        accessLogs.reopen()
    }

    // MARK: Reports

    func status() -> GatewayStatus {
        snapshot().status(isDraining: monitor.isDraining)
    }

    func take(_ facts: SupervisorFacts) {
        monitor.take(facts)
    }

    /// Has the admin listener report on what is served from now on.
    private func publish() {
        monitor.show(snapshot())
    }

    private func snapshot() -> GatewaySnapshot {
        let listeners = configuration.listeners.map { listener in
            let addresses = served.filter { $0.listener == listener.name }.map { "\(listener.scheme)://\($0.address)" }
            return ListenerStatus(name: listener.name, addresses: addresses.sorted())
        }
        return GatewaySnapshot(
            began: began, generation: generation, listeners: listeners, admission: admission, clients: clients,
            servers: servers, acme: acme, etcd: etcd, extensions: configuration.extensions, loaded: extensions?.view,
            upstreams: upstreams?.view, engines: engines?.view ?? [], certificates: certificates,
            certificateFiles: certificateFiles,
            accessLogs: current?.accessLogs, metrics: current?.metrics,
            fileCaches: current?.fileCaches ?? [])
    }

    package func takeConnectionLevels() -> (highest: Int, open: Int) {
        (admission.takeHighest(), admission.count)
    }

    package func certificateSummaries() -> [CertificateSummary] {
        (certificates?.reports ?? []).map { CertificateSummary($0, generation: $0.generation) }
    }

    package func poolStatus() -> [ProcessPoolStatus] {
        extensions?.view.poolStatus() ?? []
    }

    package func perform(
        _ command: PoolCommand, onPool name: String,
        _ done: @escaping @Sendable (Result<String, PoolCommandError>) -> Void
    ) {
        extensions?.perform(command, on: name, done)
    }

    func perform(_ command: AcmeCommand, _ done: @escaping @Sendable (AcmeOutcome) -> Void) {
        acme.perform(command, done)
    }

    var isRecording: Bool { current?.recorder != nil }
    /// The servers of all workers, to look recorded requests up.
    var recordingServers: [WorkerServer] { servers }

    package func heartbeat(_ beaten: @escaping @Sendable () -> Void) {
        let beats = Countdown(beaten)
        beats.start(from: servers.count)
        for server in servers { server.worker.perform { _ in beats.step() } }
    }

    // MARK: Ending

    /// Closes the listeners and lets connections finish their requests.
    package func drain(isReplaced: Bool, _ begun: @escaping @Sendable () -> Void) {
        // The one that has replaced this process is asked from now on, and it is not draining.
        if !isReplaced { monitor.drain() }
        acme.stop()
        etcd.stop()
        let drains = Countdown(begun)
        drains.start(from: servers.count)
        // A worker without connections goes on until the others have none: its part of the admin listener's queue
        // would be reset.
        let drained = Countdown { [servers] in
            for server in servers { server.worker.perform { _ in server.stop() } }
        }
        drained.start(from: servers.count)
        for server in servers {
            server.worker.perform { _ in
                server.drain(isReplaced: isReplaced) { drained.step() }
                drains.step()
            }
        }
    }

    /// Resets the remaining connections.
    package func abort() {
        for server in servers {
            server.worker.perform { $0.abortConnections() }
        }
    }

    /// Waits for workers and pools and unloads the extensions; only after `whenStopped` was called.
    ///
    /// - Parameter limit: how long extensions may take to finish.
    package func finish(within limit: Duration) {
        for thread in threads { thread.join(within: limit) }
        threads = []
        servers = []
        current = nil
        monitor.show(nil)
        monitor.feed.wait()
        AdminAction.wait()
        acme.waitForEnd(within: .seconds(1))
        etcd.waitForEnd(within: .seconds(1))
        accessLogs.stop()
        if let extensions, !extensions.stop(within: limit) {
            logger.warning("an extension did not let go of its requests in time")
        }
        logger.notice("stopped")
    }
}

/// A listener at one of its addresses, with the port the system chose.
private struct ServedAddress: Hashable {
    let listener: String
    let address: String

    init(_ socket: BoundSocket) {
        listener = socket.listener
        address = socket.address
    }
}

extension Configuration {
    fileprivate var certificateFiles: [String: [String]] {
        var files: [String: [String]] = [:]
        for listener in listeners where listener.tls != nil {
            let sites = sites.filter { $0.listen.contains(listener.name) }
            files[listener.name] =
                sites.flatMap(\.certificates).map(\.chain)
                + sites.flatMap(\.placeholders).filter { $0.role != .placeholder(waits: true) }.map(\.chain)
        }
        return files
    }
}

extension CertificateChange {
    /// The change of the certificate, in one sentence.
    fileprivate var sentence: String {
        func description(of report: CertificateReport) -> String {
            "serial \(report.serial), expires \(report.notAfter), names \(report.names.joined(separator: ", "))"
        }
        switch (old, new) {
        case (let old?, let new?) where isChanged:
            return "\(new.file): \(description(of: old)) -> \(description(of: new))"
        case (nil, let new?): return "\(new.file): new, \(description(of: new))"
        case (let old?, nil): return "\(old.file): no longer served, \(description(of: old))"
        case (_, let new?): return "\(new.file): unchanged, \(description(of: new))"
        case (nil, nil): return ""
        }
    }
}
