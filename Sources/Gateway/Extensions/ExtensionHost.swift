import HTTP
import ISAPI
import Logging
import Transport

/// The extensions of the current configuration, and those of earlier ones that still have requests.
///
/// Extensions that a reload does not change keep running, with their threads and state.
final class ExtensionHost {
    private let logger: Logger
    private let workers: [Worker]
    private let reporter: ExtensionLog
    private let retirement: Retirement
    private let pools: PoolRegistry
    private var extensions: [String: ConfiguredExtension] = [:]
    private var sharedPools: [String: SharedPool] = [:]

    /// - Parameter launcher: starts the processes of pools.
    init(logger: Logger, workers: [Worker], launcher: any HostLauncher) {
        pools = PoolRegistry(logger, launcher)
        self.logger = logger
        self.workers = workers
        reporter = ExtensionLog(logger, workers)
        retirement = Retirement(logger)
        EntryPointWatch.shared.start(logger)
        EntryPointCalls.guardThreads()
        StrayCalls.shared.setLog { line in logger.info("misbehaviour: \(line)") }
    }

    /// A set of extensions that is ready and not in use yet.
    struct Candidate {
        fileprivate let extensions: [String: ConfiguredExtension]
        fileprivate let sharedPools: [String: SharedPool]
    }

    /// Loads those extensions of `configurations` that the current set lacks and that have to be loaded before the
    /// first request.
    ///
    /// - Parameter tolerant: an extension that cannot be loaded is logged and its routes answer 500 for a while;
    ///   otherwise it is an error and nothing changes.
    /// - Parameter found: extensions that are in a folder and have no name; one that cannot be loaded is logged.
    func prepare(
        _ configurations: [ExtensionConfiguration], found: [ExtensionConfiguration], tolerant: Bool
    ) throws(GatewayError) -> Candidate {
        var prepared: [String: ConfiguredExtension] = [:]
        let shared = preparePools(configurations)
        for (configuration, tolerant) in configurations.map({ ($0, tolerant) }) + found.map({ ($0, true) }) {
            let pool = configuration.pool.flatMap { $0.isShared ? shared[$0.name] : nil }
            prepared[configuration.name] = try prepare(configuration, in: pool, tolerant: tolerant)
        }
        return Candidate(extensions: prepared, sharedPools: shared)
    }

    /// The pools that several extensions share; one that has changed, or one of whose libraries has, is a new one.
    private func preparePools(_ configurations: [ExtensionConfiguration]) -> [String: SharedPool] {
        var prepared: [String: SharedPool] = [:]
        for case let pool? in configurations.map(\.pool) where pool.isShared && prepared[pool.name] == nil {
            let members = configurations.filter { $0.pool?.isShared == true && $0.pool?.name == pool.name }
            let current = sharedPools[pool.name].flatMap { $0.serves(pool, members) ? $0 : nil }
            prepared[pool.name] = current ?? SharedPool(pool, members, pools)
        }
        return prepared
    }

    private func prepare(
        _ configuration: ExtensionConfiguration, in pool: SharedPool?, tolerant: Bool
    ) throws(GatewayError) -> ConfiguredExtension {
        let current = extensions[configuration.name]
        if let current, current.serves(configuration, in: pool) { return current }
        let configured = ConfiguredExtension(
            configuration, in: pool, pools, workers: workers, retirement: retirement, logger: logger,
            counters: current?.counters ?? workers.map { _ in ExtensionCounters() })
        let library = current?.library(of: configuration, in: pool)
        guard library != nil || configuration.load == .startup else { return configured }
        do throws(ExtensionStartError) {
            try configured.loadNow(sharing: library)
        } catch {
            guard tolerant, case .load(let failure) = error else { throw .runtime(error.description) }
            logger.error("\(failure.description)")
            configured.loadFailed()
        }
        return configured
    }

    /// The changes that the set would make, a sentence for each extension; before it is made current.
    func changes(to candidate: Candidate) -> [String] {
        let names = Set(extensions.keys).union(candidate.extensions.keys).sorted()
        return names.compactMap { name in change(of: name, extensions[name], candidate.extensions[name]) }
    }

    private func change(of name: String, _ old: ConfiguredExtension?, _ new: ConfiguredExtension?) -> String? {
        let library = (new ?? old)?.configuration.library ?? ""
        guard let old else { return "extension \(name): new, \(library)" }
        guard let new else { return "extension \(name): no longer served" }
        if old === new { return nil }
        if old.configuration.library != library {
            return "extension \(name): \(old.configuration.library) -> \(library)"
        }
        if old.isOutdated {
            let descriptions = [old, new].map { $0.description ?? "not loaded" }.joined(separator: " -> ")
            return "extension \(name): \(library) exchanged, \(descriptions)"
        }
        return "extension \(name): " + (old.configuration == new.configuration ? "tried again" : "other settings")
    }

    /// Makes the set current; an extension that is no longer in it is unloaded when its last request has ended.
    func commit(_ candidate: Candidate) {
        extensions = candidate.extensions
        sharedPools = candidate.sharedPools
    }

    // MARK: Pools

    /// What can be asked of them from any thread.
    var view: ExtensionView { ExtensionView(extensions: extensions, pools: pools) }

    /// Carries a command out on a thread of its own, as it may take long; `done` is called there.
    func perform(
        _ command: PoolCommand, on name: String,
        _ done: @escaping @Sendable (Result<String, PoolCommandError>) -> Void
    ) {
        guard extensions.values.contains(where: { $0.configuration.pool?.name == name }) else {
            let known = Set(extensions.values.compactMap { $0.configuration.pool?.name }).sorted()
            let list = known.isEmpty ? "no extension runs isolated" : "there are \(known.joined(separator: ", "))"
            return done(.failure(PoolCommandError("there is no pool \(quoted(name)); \(list)")))
        }
        guard let pool = pools.pool(named: name) else {
            return done(.success("pool \(name): it has no processes at present"))
        }
        retirement.run { _ in
            let outcome =
                switch command {
                case .recycle: pool.recycleAndWait(.command)
                case .start: pool.startAgain()
                }
            done(outcome.map { "pool \(name): \($0)" }.mapError { PoolCommandError("pool \(name): \($0.text)") })
        }
    }

    /// The action, on one worker, of a route that runs the extension `name` of `candidate`.
    func action(
        for name: String, in candidate: Candidate, naming: ScriptNaming, site: SiteConfiguration, siteNumber: Int,
        errorPages: ErrorPages?, keepsTimes: Bool, worker: Int
    ) -> Action {
        // A file that was added to its folder a moment ago becomes known with the next reading of the configuration.
        guard let configured = candidate.extensions[name] else {
            let text = "500 \(StatusCode.reason(500)): the extension could not be loaded\n"
            return RespondAction(
                FixedResponse(
                    status: 500, fields: [("Content-Type", "text/plain; charset=utf-8")], body: Array(text.utf8)))
        }
        let configuration = configured.configuration
        let application = ExtensionApplication(
            siteID: siteNumber, siteName: site.hosts.first?.text ?? "", poolName: name,
            processPool: configuration.pool?.name, physicalPath: site.root,
            serverSoftware: "isagate/\(BuildVersion.text)", errorPages: errorPages, paths: configuration.paths)
        return HandlerAction(
            ExtensionDispatcher(
                queue: configured.queue(on: worker), application: application, worker: workers[worker], naming: naming,
                requestTimeout: Delay(configuration.requestTimeout),
                spooling: configuration.spooling, keepsTimes: keepsTimes, reporter: reporter))
    }

    /// Unloads everything; false when an extension did not finish its requests within `limit`.
    func stop(within limit: Duration) -> Bool {
        extensions = [:]
        sharedPools = [:]
        guard !retirement.wait(within: limit) else { return true }
        EntryPointWatch.shared.nameAll()
        return false
    }
}

/// The extensions of one configuration, and all pools, for reports.
struct ExtensionView: Sendable {
    fileprivate let extensions: [String: ConfiguredExtension]
    fileprivate let pools: PoolRegistry

    /// The own description of a loaded extension.
    func description(of name: String) -> String? {
        extensions[name]?.description
    }

    /// How much the threads of a loaded extension have to do.
    func load(of name: String) -> ApplicationPool.Load? {
        extensions[name]?.currentLoad
    }

    /// What each worker has counted of its requests.
    func counters(of name: String) -> [ExtensionCounters] {
        extensions[name]?.counters ?? []
    }

    /// What the pools do at present.
    func poolStatus() -> [ProcessPoolStatus] {
        pools.status(extensions.values.map(\.configuration).sorted { $0.name < $1.name })
    }
}

/// What an operator may have done to a pool.
package enum PoolCommand: String, Codable, Sendable {
    case recycle
    /// End the pause after too many crashes.
    case start
}

extension ExtensionConfiguration {
    fileprivate var spooling: Spool.Limits? {
        spoolsRequest ? Spool.Limits(memory: spoolMemory, total: spoolLimit, folder: spoolFolder) : nil
    }
}

/// Logs misbehaviour of extensions by reason, without letting clients flood the log.
private final class ExtensionLog: ExtensionReporter, @unchecked Sendable {
    private let logs: [ReasonLog]

    init(_ logger: Logger, _ workers: [Worker]) {
        logs = workers.map { ReasonLog("misbehaviour", logger: logger, worker: $0) }
    }

    func report(_ problem: String, request: RequestID, worker: Int) {
        logs[worker].note(problem, from: nil, request: request)
    }
}
