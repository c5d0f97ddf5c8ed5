import Synchronization
import Transport

/// The state of one server for all workers: read with every request, so it consists of atomics.
package final class ServerState: Sendable {
    package let name: String
    /// Requests that may be in progress at the same time, from all workers together; nil for any number.
    package let maximumRequests: Int?
    /// Since when the server is up, in milliseconds; `.max` while it is down.
    private let upSince = Atomic<UInt64>(0)
    private let ejectedUntil = Atomic<UInt64>(0)
    private let active = Atomic(0)
    package let tunnels: TunnelCounters
    /// Whether a request failed and none succeeded since.
    private let isDoubtful = Atomic(false)

    /// - Parameter tunnels: those of the server before a reload.
    package init(name: String, maximumRequests: Int? = nil, tunnels: TunnelCounters? = nil) {
        self.name = name
        self.maximumRequests = maximumRequests
        self.tunnels = tunnels ?? TunnelCounters()
    }

    // MARK: Health

    @inline(__always)
    package func isAvailable(at now: Deadline) -> Bool {
        upSince.load(ordering: .relaxed) <= now.milliseconds
            && ejectedUntil.load(ordering: .relaxed) <= now.milliseconds
    }

    /// According to checks, whether or not requests failed.
    func isUp(at now: Deadline) -> Bool {
        upSince.load(ordering: .relaxed) <= now.milliseconds
    }

    /// How long the server has been available, in milliseconds.
    package func availability(at now: Deadline) -> UInt64 {
        let since = max(upSince.load(ordering: .relaxed), ejectedUntil.load(ordering: .relaxed))
        return now.milliseconds >= since ? now.milliseconds - since : 0
    }

    package func setUp(_ isUp: Bool, at now: Deadline) {
        upSince.store(isUp ? now.milliseconds : .max, ordering: .relaxed)
    }

    func setEjected(until deadline: Deadline) {
        ejectedUntil.store(deadline.milliseconds, ordering: .relaxed)
    }

    /// Records a success; true when it has to be reported, because requests failed before.
    @inline(__always)
    func succeeded() -> Bool {
        guard isDoubtful.load(ordering: .relaxed) else { return false }
        isDoubtful.store(false, ordering: .relaxed)
        return true
    }

    func failed() {
        isDoubtful.store(true, ordering: .relaxed)
    }

    // MARK: Requests in progress

    package var activeRequests: Int { active.load(ordering: .relaxed) }

    @inline(__always)
    package var hasRoom: Bool {
        guard let maximumRequests else { return true }
        return active.load(ordering: .relaxed) < maximumRequests
    }

    /// Counts one more request; false when the maximum is reached.
    ///
    /// Only a limited server is counted: the number is shared by all processors.
    @inline(__always)
    func enter() -> Bool {
        guard let maximumRequests else { return true }
        if active.add(1, ordering: .relaxed).newValue <= maximumRequests { return true }
        active.subtract(1, ordering: .relaxed)
        return false
    }

    func leave() {
        active.subtract(1, ordering: .relaxed)
    }
}
