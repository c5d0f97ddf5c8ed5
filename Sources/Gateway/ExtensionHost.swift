import HTTP
import ISAPI
import Logging
import Synchronization
import Transport

/// The extensions of the current configuration, and those of earlier ones that still have requests.
///
/// What a reload does not change stays as it is, threads and state of the extension included.
final class ExtensionHost {
    private let logger: Logger
    private let workers: [Worker]
    private let reporter: ExtensionLog
    private let retirement: Retirement
    private var loaded: [String: LoadedExtension] = [:]

    init(logger: Logger, workers: [Worker]) {
        self.logger = logger
        self.workers = workers
        reporter = ExtensionLog(logger, workers)
        retirement = Retirement(logger)
    }

    /// A set of extensions that was loaded and is not in use yet.
    struct Candidate {
        fileprivate let loaded: [String: LoadedExtension]
    }

    /// Loads what `configurations` has beyond the current set.
    ///
    /// - Parameter tolerant: an extension that cannot be loaded is logged and its routes answer 500; otherwise it
    ///   is an error and nothing changes.
    /// - Parameter found: extensions that lie in a folder and are not named; one that cannot be loaded is logged.
    func prepare(
        _ configurations: [ExtensionConfiguration], found: [ExtensionConfiguration], tolerant: Bool
    ) throws(GatewayError) -> Candidate {
        var prepared: [String: LoadedExtension] = [:]
        for (configuration, tolerant) in configurations.map({ ($0, tolerant) }) + found.map({ ($0, true) }) {
            do throws(ExtensionLoadError) {
                prepared[configuration.name] = try prepare(configuration)
            } catch {
                guard tolerant, case .load(let failure) = error else { throw .runtime(error.description) }
                logger.error("\(failure.description)")
            }
        }
        return Candidate(loaded: prepared)
    }

    private enum ExtensionLoadError: Error {
        case load(ISAPI.ExtensionLoadError)
        case pool(ApplicationPoolError)

        var description: String {
            switch self {
            case .load(let error): error.description
            case .pool(let error): error.description
            }
        }
    }

    private func prepare(_ configuration: ExtensionConfiguration) throws(ExtensionLoadError) -> LoadedExtension {
        let current = loaded[configuration.name]
        let fingerprint = FileFingerprint(of: configuration.library)
        if let current, current.configuration == configuration, current.fingerprint == fingerprint { return current }
        let library: LoadedLibrary
        if let current, current.configuration.library == configuration.library, current.fingerprint == fingerprint {
            library = current.library
        } else {
            library = LoadedLibrary(try load(configuration), retirement)
        }
        let pool: ApplicationPool
        do throws(ApplicationPoolError) {
            pool = try ApplicationPool(
                name: configuration.name.split(separator: "/").last.map(String.init) ?? configuration.name,
                threads: configuration.threads, queueLimit: configuration.queue)
        } catch {
            throw .pool(error)
        }
        return LoadedExtension(
            configuration: configuration, fingerprint: fingerprint, library: library, pool: pool,
            feeders: workers.map { _ in PoolFeeder(pool) }, retirement: retirement)
    }

    private func load(_ configuration: ExtensionConfiguration) throws(ExtensionLoadError) -> ExtensionModule {
        do throws(ISAPI.ExtensionLoadError) {
            let module = try ExtensionModule.load(name: configuration.name, path: configuration.library)
            let version = "\(module.version >> 16).\(module.version & 0xffff)"
            logger.notice("extension \(module.name): \(module.description), ISAPI \(version)")
            return module
        } catch {
            throw .load(error)
        }
    }

    /// What a loaded extension of the current set says about itself.
    func description(of name: String) -> String? {
        loaded[name]?.library.module.description
    }

    /// Makes the set current; an extension that is no longer in it is unloaded when its last request has ended.
    func commit(_ candidate: Candidate) {
        loaded = candidate.loaded
    }

    /// The action, on one worker, of a route that runs the extension `name` of `candidate`.
    func action(
        for name: String, in candidate: Candidate, naming: ScriptNaming, site: SiteConfiguration, siteNumber: Int,
        errorPages: ErrorPages?, worker: Int
    ) -> Action {
        guard let chosen = candidate.loaded[name] else {
            let text = "500 \(StatusCode.reason(500)): the extension could not be loaded\n"
            return RespondAction(
                FixedResponse(
                    status: 500, fields: [("Content-Type", "text/plain; charset=utf-8")], body: Array(text.utf8)))
        }
        let application = ExtensionApplication(
            siteID: siteNumber, siteName: site.hosts.first?.text ?? "", poolName: name, physicalPath: site.root,
            serverSoftware: "isagate/\(BuildVersion.text)", errorPages: errorPages, health: chosen)
        return ExtensionAction(
            ExtensionDispatcher(
                module: chosen.library.module, application: application, feeder: chosen.feeders[worker],
                worker: workers[worker],
                naming: naming, requestTimeout: Delay(chosen.configuration.requestTimeout),
                spoolLimit: chosen.configuration.spoolsRequest ? chosen.configuration.spoolLimit : nil,
                reporter: reporter),
            owner: chosen)
    }

    /// Unloads everything; false when an extension did not let go of its requests within `limit`.
    func stop(within limit: Duration) -> Bool {
        loaded = [:]
        return retirement.wait(within: limit)
    }
}

/// An extension in use: routes and requests hold it, and letting go of it ends its pool and then its library.
final class LoadedExtension: ExtensionHealth, @unchecked Sendable {
    let configuration: ExtensionConfiguration
    let fingerprint: FileFingerprint?
    let library: LoadedLibrary
    let feeders: [PoolFeeder]
    private let pool: ApplicationPool
    private let retirement: Retirement
    private let isUnhealthy = Atomic(false)

    init(
        configuration: ExtensionConfiguration, fingerprint: FileFingerprint?, library: LoadedLibrary,
        pool: ApplicationPool, feeders: [PoolFeeder], retirement: Retirement
    ) {
        self.configuration = configuration
        self.fingerprint = fingerprint
        self.library = library
        self.pool = pool
        self.feeders = feeders
        self.retirement = retirement
    }

    /// Logged once; what an extension says of itself often is not worth more.
    func reportedUnhealthy(_ reason: String) {
        guard !isUnhealthy.exchange(true, ordering: .relaxed) else { return }
        retirement.retire { [name = configuration.name] logger in
            logger.warning("extension \(name): reports itself unhealthy: \(reason)")
        }
    }

    deinit {
        // The library outlives the threads that ran its code.
        retirement.retire { [pool, library] logger in
            if !pool.stop(within: Retirement.limit) {
                logger.warning("extension \(pool.name): a request does not return; its thread is left behind")
            }
            _ = library
        }
    }
}

/// A loaded module, terminated and unloaded when the last pool that used it is gone and its last request has ended.
final class LoadedLibrary: @unchecked Sendable {
    let module: ExtensionModule
    private let retirement: Retirement

    init(_ module: ExtensionModule, _ retirement: Retirement) {
        self.module = module
        self.retirement = retirement
    }

    deinit {
        retirement.retire { [module] logger in
            guard module.waitUntilIdle(within: Retirement.limit) else {
                logger.warning("extension \(module.name): requests were not finished; its library stays loaded")
                _ = unsafe Unmanaged.passRetained(module)
                return
            }
            module.terminate(.must)
            module.unload()
            logger.notice("extension \(module.name): unloaded")
        }
    }
}

/// What extensions do wrong, logged by reason without letting clients flood the log.
private final class ExtensionLog: ExtensionReporter, @unchecked Sendable {
    private let logs: [ReasonLog]

    init(_ logger: Logger, _ workers: [Worker]) {
        logs = workers.map { ReasonLog("misbehaviour", logger: logger, worker: $0) }
    }

    func report(_ problem: String, worker: Int) {
        logs[worker].note(problem, from: nil)
    }
}
