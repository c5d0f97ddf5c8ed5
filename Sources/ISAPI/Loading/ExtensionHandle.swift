import Synchronization
import Transport

/// One worker's handle of a loaded extension, which stays loaded as long as a request queue or a request has a handle.
///
/// Requests count references to this handle and to nothing that workers share.
package final class ExtensionHandle: @unchecked Sendable {
    package let module: ExtensionModule
    package let submissions: PoolSubmissionQueue
    let health: (any ExtensionHealth)?
    private let lastUsed: Atomic<UInt64>

    /// - Parameter health: the owner of the module, which receives what the extension reports of its health.
    package init(
        _ module: ExtensionModule, _ submissions: PoolSubmissionQueue, health: (any ExtensionHealth)? = nil,
        now: Deadline = Deadline(milliseconds: 0)
    ) {
        self.module = module
        self.submissions = submissions
        if module.batchLimit > 1 { submissions.batches(for: module) }
        self.health = health
        lastUsed = Atomic(now.milliseconds)
    }

    /// When the last request with this handle began; from any thread.
    package var lastUse: Deadline { Deadline(milliseconds: lastUsed.load(ordering: .relaxed)) }

    /// A request begins.
    @inline(__always)
    func use(at now: Deadline) {
        lastUsed.store(now.milliseconds, ordering: .relaxed)
    }
}

/// Receives an extension's report that it is unhealthy (HSE_REQ_REPORT_UNHEALTHY), on any thread.
package protocol ExtensionHealth: AnyObject, Sendable {
    func reportedUnhealthy(_ reason: String)
}
