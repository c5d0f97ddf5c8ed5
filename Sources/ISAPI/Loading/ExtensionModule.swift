import CISAPI
import Synchronization

/// One loaded extension library; its owner keeps it as long as requests are active in it.
///
/// The subclasses differ in where its code runs: `InProcessModule` and `IsolatedModule`.
@safe
package class ExtensionModule: @unchecked Sendable {
    package let name: String
    package let path: String
    /// The result of GetExtensionVersion: the major version in the high word, the minor in the low one.
    package let version: UInt32
    package let description: String

    /// Requests whose code may still run.
    private let activeRequests = Atomic(0)
    private let isRetiring = Atomic(false)
    private let idle = WaitPoint()

    init(name: String, path: String, version: UInt32, description: String) {
        self.name = name
        self.path = path
        self.version = version
        self.description = description
    }

    /// How a call of HttpExtensionProc ended.
    enum Ending: BitwiseCopyable {
        /// It returned an HSE_STATUS_ number.
        case returned(UInt32)
        /// The process that ran it has ended meanwhile.
        case processEnded(ProcessEnding)
        /// There is no process that could run it.
        case unavailable
    }

    /// Calls HttpExtensionProc on the calling thread, for a session whose control block is `block`.
    func call(_ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>, for session: ExtensionSession) -> Ending {
        preconditionFailure("a module runs code where its subclass says")
    }

    /// How many sessions `run` takes together; 1 where each is run by `call`.
    var batchLimit: Int { 1 }

    /// Runs HttpExtensionProc for the members of the batch, on the calling thread; those that it leaves are to be run
    /// by `call`.
    func run(_ batch: SessionBatch) {
        preconditionFailure("only a module with a batch limit runs several sessions")
    }

    /// Runs the completion function of an operation of the session.
    func complete(
        _ completion: AsyncOperation.Completion, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>,
        read: IsolatedRead?, for session: ExtensionSession
    ) {
        preconditionFailure("a module runs code where its subclass says")
    }

    /// The calling thread does not run code of the library any more; the library is notified if it knows the thread
    /// (DLL_THREAD_DETACH).
    package func leave() {}

    /// Threads of this process of which the library has received DLL_THREAD_ATTACH and not yet DLL_THREAD_DETACH.
    package var threadCount: Int { 0 }

    /// The session's request takes longer than it may, and its client was answered.
    func requestTimedOut(_ session: ExtensionSession) {}

    /// Replaces the processes in which the code runs; false where it runs in this one.
    package func recycle(_ reason: EndReason) -> Bool { false }

    func requestBegan() { activeRequests.add(1, ordering: .relaxed) }

    func requestEnded() {
        let active = activeRequests.subtract(1, ordering: .sequentiallyConsistent).newValue
        guard active == 0, isRetiring.load(ordering: .sequentiallyConsistent) else { return }
        idle.advance()
        idle.wake(Int.max)
    }

    /// Whether no request's code can run.
    package var isIdle: Bool { activeRequests.load(ordering: .sequentiallyConsistent) == 0 }

    /// Waits until no request's code can run any more; false when that takes longer than `limit`.
    package func waitUntilIdle(within limit: Duration) -> Bool {
        isRetiring.store(true, ordering: .sequentiallyConsistent)
        let deadline = ContinuousClock.now + limit
        while true {
            let seen = idle.count
            if activeRequests.load(ordering: .sequentiallyConsistent) == 0 { return true }
            guard idle.wait(past: seen, until: deadline) else { return false }
        }
    }

    /// The argument of TerminateExtension (HSE_TERM_ADVISORY_UNLOAD, HSE_TERM_MUST_UNLOAD).
    package enum Termination: UInt32, Sendable {
        case advisory = 1, must = 2
    }

    /// Calls TerminateExtension, where exported; whether the extension agrees to be unloaded.
    @discardableResult
    package func terminate(_ termination: Termination) -> Bool { true }

    /// Unloads the library; called once, when its pool has stopped.
    ///
    /// - Returns: false, leaving the library loaded, when a request that the gateway abandoned still runs in it, or
    ///   when the library has a reference to itself: it is then unloaded by its own FreeLibrary.
    @discardableResult
    package func unload() -> Bool { true }
}

/// Why a library cannot be used as an extension.
package struct ExtensionLoadError: Error, Equatable, CustomStringConvertible {
    package enum Reason: Error, Equatable {
        /// dlopen's message.
        case cannotOpen(String)
        case missingEntryPoint(String)
        /// DllMain returned FALSE.
        case attachRefused(lastError: UInt32)
        /// GetExtensionVersion returned FALSE.
        case versionRefused(lastError: UInt32)
        /// The process that was to run it did not start, with the reason.
        case noProcess(String)
    }

    package let name: String
    package let path: String
    package let reason: Reason

    package var description: String { "extension \(name): cannot load \(path): \(reason.text)" }
}

extension ExtensionLoadError.Reason {
    package var text: String {
        switch self {
        case .cannotOpen(let message): message
        case .missingEntryPoint(let symbol): "the library does not export \(symbol)"
        case .attachRefused(let error): "DllMain refused to attach (last error \(error))"
        case .versionRefused(let error): "GetExtensionVersion returned FALSE (last error \(error))"
        case .noProcess(let reason): "its process could not be started: \(reason)"
        }
    }
}
