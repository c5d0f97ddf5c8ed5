import Synchronization
import Transport

/// One worker's hold on a loaded extension, which stays loaded as long as a seat or a request has a lease.
///
/// Requests count this lease and nothing that workers share.
package final class ExtensionLease: @unchecked Sendable {
    package let module: ExtensionModule
    package let feeder: PoolFeeder
    let health: (any ExtensionHealth)?
    private let lastUsed: Atomic<UInt64>

    /// - Parameter health: whoever keeps the module loaded; it hears what the extension says of itself.
    package init(
        _ module: ExtensionModule, _ feeder: PoolFeeder, health: (any ExtensionHealth)? = nil,
        now: Deadline = Deadline(milliseconds: 0)
    ) {
        self.module = module
        self.feeder = feeder
        self.health = health
        lastUsed = Atomic(now.milliseconds)
    }

    /// When the last request began by this lease; asked on any thread.
    package var lastUse: Deadline { Deadline(milliseconds: lastUsed.load(ordering: .relaxed)) }

    /// A request begins.
    @inline(__always)
    func use(at now: Deadline) {
        lastUsed.store(now.milliseconds, ordering: .relaxed)
    }
}

/// Told when an extension asks for a fresh start (HSE_REQ_REPORT_UNHEALTHY), on any thread.
package protocol ExtensionHealth: AnyObject, Sendable {
    func reportedUnhealthy(_ reason: String)
}
