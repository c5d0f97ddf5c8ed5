import CISAPI
import Glibc
import Synchronization

/// A library whose code runs in processes of its own: starts them, gives them requests, replaces those that end.
@safe
package final class IsolatedModule: ExtensionModule, @unchecked Sendable {
    private let supervision: HostSupervision

    /// Requests that a process did not begin before its end are run again, this many times.
    private static let attempts = 3

    /// Starts the processes and waits until they are ready.
    ///
    /// - Parameters:
    ///   - processes: how many run at the same time.
    ///   - report: is called with what has to be logged, on any thread.
    package static func start(
        name: String, _ launch: HostLaunch, processes: Int, rapidFail: RapidFail,
        report: @escaping @Sendable (HostReport) -> Void
    ) throws(ExtensionLoadError) -> IsolatedModule {
        let supervision = HostSupervision(name, launch, processes: processes, rapidFail, report)
        let version: (number: UInt32, description: String)
        do throws(ExtensionLoadError.Reason) {
            version = try supervision.start()
        } catch {
            throw ExtensionLoadError(name: name, path: launch.path, reason: error)
        }
        return IsolatedModule(name, path: launch.path, supervision, version)
    }

    private init(
        _ name: String, path: String, _ supervision: HostSupervision,
        _ version: (number: UInt32, description: String)
    ) {
        self.supervision = supervision
        super.init(name: name, path: path, version: version.number, description: version.description)
    }

    deinit {
        supervision.abandon()
    }

    override func call(
        _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>, for session: ExtensionSession
    ) -> Ending {
        for _ in 0..<Self.attempts {
            guard let process = supervision.readyProcess() else { return .unavailable }
            switch unsafe process.run(session, block) {
            case .returned(let status): return .returned(status)
            case .ended(let ending): return .processEnded(ending)
            case .notEntered: continue
            }
        }
        return .unavailable
    }

    override func complete(
        _ completion: AsyncOperation.Completion, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>,
        read: IsolatedRead?, for session: ExtensionSession
    ) {
        let process = session.state.withLock { $0.process }
        unsafe process?.complete(completion, block, read)
    }

    @discardableResult
    package override func terminate(_ termination: Termination) -> Bool {
        supervision.terminate(termination)
    }

    @discardableResult
    package override func unload() -> Bool {
        supervision.stop()
        return true
    }
}

/// What is logged about the processes of an isolated extension.
package enum HostReport: Sendable {
    case started(pid: Int32)
    /// It ended although it was not to, while this many requests ran in it.
    case crashed(pid: Int32, reason: String, requests: Int)
    /// It could not be replaced.
    case notStarted(reason: String)
    case paused(RapidFail)
    case resumed
    case ended(pid: Int32, isOrderly: Bool)
}
