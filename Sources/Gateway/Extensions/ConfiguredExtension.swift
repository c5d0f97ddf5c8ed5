import HTTP
import ISAPI
import Logging
import Synchronization
import Transport

/// An extension of the configuration, loaded or not: loads it when it is needed, unloads it when it is idle, recycles it
/// when it reports itself unhealthy.
///
/// Extension code runs on the threads of `Retirement` here, never on a worker's.
final class ConfiguredExtension: ExtensionLoader, @unchecked Sendable {
    let configuration: ExtensionConfiguration
    /// Where several extensions share the pool.
    private let sharedPool: SharedPool?
    private let pools: PoolRegistry
    private let workers: [Worker]
    private let retirement: Retirement
    private let logger: Logger
    /// One for each worker.
    let counters: [ExtensionCounters]
    private let state = Mutex(State())

    private struct State {
        var cycle = ExtensionCycle<Instance>()
        /// One for each worker that serves a route of this extension; the routes keep them.
        var queues: [Int: WeakQueue] = [:]
        var replacedAt: ContinuousClock.Instant?
        /// After a failure nothing is loaded before this time.
        var refusedUntil = Deadline(milliseconds: 0)

        /// How long it is still refused.
        var pause: Delay {
            let now = Deadline.current()
            return .milliseconds(refusedUntil > now ? refusedUntil.milliseconds - now.milliseconds : 0)
        }
    }

    private struct WeakQueue {
        weak var queue: ExtensionRequestQueue?
    }

    /// A loaded instance, and each worker's handle of it.
    private struct Instance: Equatable, @unchecked Sendable {
        let loaded: LoadedExtension
        let handles: [ExtensionHandle]

        var lastUse: Deadline { handles.map(\.lastUse).max() ?? .never }

        static func == (left: Instance, right: Instance) -> Bool { left.loaded == right.loaded }
    }

    init(
        _ configuration: ExtensionConfiguration, in sharedPool: SharedPool?, _ pools: PoolRegistry, workers: [Worker],
        retirement: Retirement, logger: Logger, counters: [ExtensionCounters]
    ) {
        self.configuration = configuration
        self.counters = counters
        self.sharedPool = sharedPool
        self.pools = pools
        self.workers = workers
        self.retirement = retirement
        self.logger = logger
    }

    // MARK: The configuration's side

    /// Loads the extension now, on the calling thread.
    ///
    /// - Parameter library: the library, where another extension of the configuration has loaded it already.
    func loadNow(sharing library: LoadedLibrary? = nil) throws(ExtensionStartError) {
        serve(try makeInstance(sharing: library))
    }

    /// It could not be loaded; later requests load it again after a while.
    func loadFailed() {
        state.withLock { state in failed(&state) }
    }

    private func failed(_ state: inout State) {
        state.refusedUntil = Deadline.current().advanced(by: Delay(configuration.loadRetry))
        perform(state.cycle.failed(), &state)
    }

    /// Whether an object created for this configuration now would be the same.
    func serves(_ configuration: ExtensionConfiguration, in sharedPool: SharedPool?) -> Bool {
        guard configuration == self.configuration, sharedPool === self.sharedPool else { return false }
        let (library, hasFailed) = state.withLock { ($0.cycle.serving?.loaded.library, $0.cycle.hasFailed) }
        guard let library else { return !hasFailed }
        return library.fingerprint == FileFingerprint(of: configuration.library)
    }

    /// The library, if it is loaded from the file as it is now and uses the paths that `other` configures.
    func library(of other: ExtensionConfiguration, in sharedPool: SharedPool?) -> LoadedLibrary? {
        guard other.library == configuration.library, other.paths == configuration.paths,
            other.pool == configuration.pool, sharedPool === self.sharedPool,
            let library = state.withLock({ $0.cycle.serving?.loaded.library }),
            library.fingerprint == FileFingerprint(of: other.library)
        else { return nil }
        return library
    }

    /// Whether the file has changed since the library was loaded.
    var isOutdated: Bool {
        guard let library = state.withLock({ $0.cycle.serving?.loaded.library }) else { return false }
        return library.fingerprint != FileFingerprint(of: configuration.library)
    }

    /// The extension's own description; nil while it is not loaded.
    var description: String? {
        state.withLock { $0.cycle.serving?.loaded.library.module.description }
    }

    /// How much its threads have to do; nil while it is not loaded.
    var currentLoad: ApplicationPool.Load? {
        state.withLock { $0.cycle.serving?.loaded.load }
    }

    /// The request queue of a worker, for the routes that lead to this extension.
    func queue(on worker: Int) -> ExtensionRequestQueue {
        state.withLock { state in
            if let queue = state.queues[worker]?.queue { return queue }
            let queue = ExtensionRequestQueue(
                name: configuration.name, worker: workers[worker], loader: self,
                counters: counters[worker])
            if let instance = state.cycle.serving { queue.use(instance.handles[worker]) }
            if state.cycle.hasFailed { queue.loadFailed(retryAfter: state.pause) }
            state.queues[worker] = WeakQueue(queue: queue)
            return queue
        }
    }

    // MARK: Loading

    func load() {
        state.withLock { state in
            // A worker that has not received the report of a failure yet asks for another attempt.
            perform(state.cycle.wanted(isRetryDue: state.refusedUntil <= .current()), &state)
        }
    }

    /// Called with the lock held, so that the queues get all reports in order.
    private func perform(_ action: ExtensionCycle<Instance>.Action, _ state: inout State) {
        switch action {
        case .nothing: break
        case .load: retirement.run { [self] _ in loadInBackground() }
        case .serve(let instance):
            notifyQueues(&state) { queue, worker in queue.use(instance.handles[worker]) }
        case .refuse:
            let pause = state.pause
            notifyQueues(&state) { queue, _ in queue.loadFailed(retryAfter: pause) }
        case .withdraw(let instance): withdraw(instance, &state)
        }
    }

    private func notifyQueues(
        _ state: inout State, _ report: @escaping @Sendable (_ queue: ExtensionRequestQueue, _ worker: Int) -> Void
    ) {
        for worker in workers {
            guard let queue = state.queues[worker.index]?.queue else { continue }
            worker.perform { _ in report(queue, worker.index) }
        }
    }

    private func loadInBackground() {
        do throws(ExtensionStartError) {
            serve(try makeInstance(sharing: nil))
        } catch {
            logger.error("\(error.description)")
            state.withLock { state in
                state.cycle.serving?.loaded.recovered()
                failed(&state)
            }
        }
    }

    private func serve(_ instance: Instance) {
        state.withLock { state in perform(state.cycle.loaded(instance), &state) }
        watch(instance)
    }

    private func makeInstance(sharing shared: LoadedLibrary?) throws(ExtensionStartError) -> Instance {
        let library = if let shared { shared } else { try loadLibrary() }
        let pool: ApplicationPool
        do throws(ApplicationPoolError) {
            pool = try ApplicationPool(
                name: configuration.name.split(separator: "/").last.map(String.init) ?? configuration.name,
                threads: configuration.threadCount, queueLimit: configuration.queue)
        } catch {
            throw .pool(error)
        }
        let loaded = LoadedExtension(library, pool, retirement: retirement) { [weak self] loaded, reason in
            self?.isUnhealthy(loaded, reason)
        }
        let now = Deadline.current()
        return Instance(loaded: loaded, handles: workers.map { loaded.handle(on: $0, now: now) })
    }

    private func loadLibrary() throws(ExtensionStartError) -> LoadedLibrary {
        let fingerprint = FileFingerprint(of: configuration.library)
        do throws(ExtensionLoadError) {
            let module = try loadModule()
            let version = "\(module.version >> 16).\(module.version & 0xffff)"
            logger.notice("extension \(module.name): \(module.description), ISAPI \(version)")
            return LoadedLibrary(module, fingerprint, workers: workers, retirement)
        } catch {
            throw .load(error)
        }
    }

    private func loadModule() throws(ExtensionLoadError) -> ExtensionModule {
        if let sharedPool { return try sharedPool.module(of: configuration.name) }
        guard let own = configuration.pool else {
            return try InProcessModule.load(
                name: configuration.name, path: configuration.library, paths: configuration.paths)
        }
        let pool = try pools.makePool(own, [configuration])
        do throws(ExtensionLoadError) {
            return try pool.module(of: configuration.name)
        } catch {
            pool.abandon()
            throw error
        }
    }

    // MARK: Unloading idle instances

    /// Checks again when the instance may have been idle for long enough.
    private func watch(_ instance: Instance) {
        guard let limit = configuration.idleUnload.map({ Delay($0) }) else { return }
        let due = instance.lastUse.advanced(by: limit)
        let now = Deadline.current()
        let pause = due > now ? due.milliseconds - now.milliseconds : limit.milliseconds
        retirement.run(after: .milliseconds(Int(clamping: pause))) { [weak self, weak loaded = instance.loaded] _ in
            guard let self, let loaded else { return }
            lookAt(loaded, limit)
        }
    }

    private func lookAt(_ loaded: LoadedExtension, _ limit: Delay) {
        state.withLock { state in
            guard let instance = state.cycle.serving, instance.loaded == loaded else { return }
            guard loaded.library.module.isIdle, instance.lastUse.advanced(by: limit) <= Deadline.current() else {
                return watch(instance)
            }
            let action = state.cycle.idle(instance)
            if action == .nothing { return watch(instance) }
            perform(action, &state)
        }
    }

    /// Withdraws the instance from the queues, and asks it whether it may be unloaded once no queue has it.
    private func withdraw(_ instance: Instance, _ state: inout State) {
        let queues = workers.compactMap { worker in state.queues[worker.index]?.queue.map { (worker, $0) } }
        let known = instance.lastUse
        let withdrawn = Countdown { [self] in
            retirement.run { [self] _ in endWithdrawal(of: instance, isUnused: instance.lastUse == known) }
        }
        withdrawn.start(from: queues.count + 1)
        for (worker, queue) in queues {
            worker.perform { _ in
                queue.withdraw()
                withdrawn.step()
            }
        }
        withdrawn.step()
    }

    private func endWithdrawal(of instance: Instance, isUnused: Bool) {
        let isLeaving = isUnused && instance.loaded.library.agreesToUnload()
        state.withLock { state in
            perform(isLeaving ? state.cycle.dropped() : state.cycle.kept(), &state)
        }
        guard !isLeaving else { return }
        watch(instance)
        if instance.loaded.isReportedUnhealthy { replace(instance.loaded) }
    }

    // MARK: Replacing unhealthy instances

    private func isUnhealthy(_ loaded: LoadedExtension, _ reason: String) {
        // The caller may have a session.
        retirement.run { [weak self] logger in
            guard let self else { return }
            logger.warning(
                "extension \(configuration.name): reports itself unhealthy: \(reason); a fresh copy will replace it")
            replace(loaded)
        }
    }

    /// Loads a new instance beside this one, as soon as possible but no more often than configured.
    private func replace(_ loaded: LoadedExtension) {
        let now = ContinuousClock.now
        let due = state.withLock { $0.replacedAt.map { $0 + configuration.recycleInterval } } ?? now
        guard due <= now else {
            retirement.run(after: due - now) { [weak self, weak loaded] _ in
                if let self, let loaded { replace(loaded) }
            }
            return
        }
        state.withLock { state in
            guard let instance = state.cycle.serving, instance.loaded == loaded else { return }
            state.replacedAt = now
            if loaded.library.module.recycle(.unhealthy) {
                loaded.recovered()
            } else {
                perform(state.cycle.replace(instance), &state)
            }
        }
    }
}

extension ExtensionConfiguration {
    /// Threads that call the extension: those of each of its processes, where it has some.
    fileprivate var threadCount: Int {
        min(256, threads * (pool?.settings.processes ?? 1))
    }
}

/// Why an extension cannot be used.
enum ExtensionStartError: Error {
    case load(ExtensionLoadError)
    case pool(ApplicationPoolError)

    var description: String {
        switch self {
        case .load(let error): error.description
        case .pool(let error): error.description
        }
    }
}
