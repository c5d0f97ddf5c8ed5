import Synchronization
import Transport

/// The state of one server for all workers: read with every request, so it consists of atomics.
package final class ServerState: Sendable {
    package let name: String
    /// Requests that may be in progress at the same time, from all workers together; nil for any number.
    package var maximumRequests: Int? {
        let limit = limit.load(ordering: .relaxed)
        return limit == .max ? nil : limit
    }
    private let limit: Atomic<Int>
    /// Whether the requests in progress are counted.
    let isCounted: Bool
    /// Since when the server is up, in milliseconds; `.max` while it is down.
    private let upSince = Atomic<UInt64>(0)
    private let ejectedUntil = Atomic<UInt64>(0)
    private let active = Atomic(0)
    package let tunnels: TunnelCounters
    /// Whether a request failed and none succeeded since.
    private let isDoubtful = Atomic(false)

    /// - Parameters:
    ///   - isVariable: whether the maximum may change, so that requests are counted even without one.
    ///   - tunnels: those of the server before a reload.
    package init(
        name: String, maximumRequests: Int? = nil, isVariable: Bool = false, tunnels: TunnelCounters? = nil
    ) {
        self.name = name
        limit = Atomic(maximumRequests ?? .max)
        isCounted = isVariable || maximumRequests != nil
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

    /// Changes the maximum of a server that was created as variable; requests in progress go on.
    package func setMaximumRequests(_ maximum: Int?) {
        limit.store(maximum ?? .max, ordering: .relaxed)
    }

    package var activeRequests: Int { active.load(ordering: .relaxed) }

    @inline(__always)
    package var hasRoom: Bool {
        guard isCounted else { return true }
        return active.load(ordering: .relaxed) < limit.load(ordering: .relaxed)
    }

    /// Counts one more request; false when the maximum is reached.
    ///
    /// Only a server that has a limit, or may get one, is counted: the number is shared by all processors.
    @inline(__always)
    func enter() -> Bool {
        guard isCounted else { return true }
        if active.add(1, ordering: .relaxed).newValue <= limit.load(ordering: .relaxed) { return true }
        active.subtract(1, ordering: .relaxed)
        return false
    }

    func leave() {
        guard isCounted else { return }
        active.subtract(1, ordering: .relaxed)
    }
}
