import ISAPI
import Logging
import Synchronization
import Transport

/// A loaded extension in use: a library, and the threads that run its code. Handles keep a reference; its end stops the
/// threads and then releases the library.
final class LoadedExtension: ExtensionHealth, @unchecked Sendable {
    let library: LoadedLibrary
    private let pool: ApplicationPool
    private let retirement: Retirement
    private let onUnhealthy: @Sendable (LoadedExtension, String) -> Void
    private let isUnhealthy = Atomic(false)

    /// - Parameter onUnhealthy: called when the extension reports itself unhealthy, on any thread, once until `recovered`.
    init(
        _ library: LoadedLibrary, _ pool: ApplicationPool, retirement: Retirement,
        onUnhealthy: @escaping @Sendable (LoadedExtension, String) -> Void
    ) {
        self.library = library
        self.pool = pool
        self.retirement = retirement
        self.onUnhealthy = onUnhealthy
        library.shared()
    }

    func handle(on worker: Worker, now: Deadline) -> ExtensionHandle {
        ExtensionHandle(library.module, PoolSubmissionQueue(pool), health: self, now: now)
    }

    /// Called for each report; only the first one until `recovered` has an effect.
    func reportedUnhealthy(_ reason: String) {
        guard !isUnhealthy.exchange(true, ordering: .relaxed) else { return }
        onUnhealthy(self, reason)
    }

    /// How much its threads have to do.
    var load: ApplicationPool.Load { pool.load }

    var isReportedUnhealthy: Bool { isUnhealthy.load(ordering: .relaxed) }

    /// The next report counts again.
    func recovered() {
        isUnhealthy.store(false, ordering: .relaxed)
    }

    deinit {
        library.unshared()
        // The library outlives the threads that ran its code.
        retirement.run { [pool, library] logger in
            if !pool.stop(within: Retirement.limit) {
                logger.warning("extension \(pool.name): a request does not return; its thread is left behind")
            }
            _ = library
        }
    }
}

extension LoadedExtension: Equatable {
    static func == (left: LoadedExtension, right: LoadedExtension) -> Bool { left === right }
}

/// A loaded module, terminated and unloaded when the last pool that used it is gone and its last request has ended.
final class LoadedLibrary: @unchecked Sendable {
    let module: ExtensionModule
    /// The file it was loaded from, as it was then.
    let fingerprint: FileFingerprint?
    private let workers: [Worker]
    private let retirement: Retirement
    private let users = Atomic(0)
    private let hasAgreed = Atomic(false)

    /// Modules that stay loaded, as their code may still run.
    private static let resident = Mutex<[ExtensionModule]>([])

    /// - Parameter workers: the workers whose threads may have run its code.
    init(
        _ module: ExtensionModule, _ fingerprint: FileFingerprint?, workers: [Worker], _ retirement: Retirement
    ) {
        self.module = module
        self.fingerprint = fingerprint
        self.workers = workers
        self.retirement = retirement
    }

    fileprivate func shared() { users.add(1, ordering: .sequentiallyConsistent) }
    fileprivate func unshared() { users.subtract(1, ordering: .sequentiallyConsistent) }

    /// Asks whether the library may be unloaded (HSE_TERM_ADVISORY_UNLOAD); only while no request can reach it.
    func agreesToUnload() -> Bool {
        guard users.load(ordering: .sequentiallyConsistent) == 1, module.isIdle, module.terminate(.advisory) else {
            return false
        }
        hasAgreed.store(true, ordering: .sequentiallyConsistent)
        return true
    }

    deinit {
        let mustTerminate = !hasAgreed.load(ordering: .sequentiallyConsistent)
        retirement.run { [module, workers] logger in
            guard module.waitUntilIdle(within: Retirement.limit) else {
                logger.warning("extension \(module.name): requests were not finished; its library stays loaded")
                Self.resident.withLock { $0.append(module) }
                return
            }
            if mustTerminate { module.terminate(.must) }
            guard ThreadDetacher.detachThreads(of: workers, from: module) else {
                logger.warning("extension \(module.name): threads have not left it; its library stays loaded")
                Self.resident.withLock { $0.append(module) }
                return
            }
            if module.unload() {
                logger.notice("extension \(module.name): unloaded")
            } else {
                logger.notice("extension \(module.name): its library has loaded itself and stays")
            }
        }
    }
}
