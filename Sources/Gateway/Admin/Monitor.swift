import Synchronization

/// What the admin listener reports about the gateway; asked from any thread.
final class Monitor: Sendable {
    private let drains = Atomic(false)
    private let content = Mutex(Content())

    private struct Content {
        var snapshot: GatewaySnapshot?
        var supervisor: SupervisorFacts?
    }

    /// Reports on what is served from now on; nil when nothing is.
    func show(_ snapshot: GatewaySnapshot?) {
        content.withLock { $0.snapshot = snapshot }
    }

    func take(_ facts: SupervisorFacts) {
        content.withLock { $0.supervisor = facts }
    }

    /// The gateway ends: it is not ready from now on.
    func drain() {
        drains.store(true, ordering: .releasing)
    }

    var isDraining: Bool { drains.load(ordering: .acquiring) }

    var readiness: Readiness {
        let snapshot = content.withLock { $0.snapshot }
        return Readiness(snapshot?.readinessFacts(isDraining: isDraining))
    }

    func metrics(in format: Exposition.Format) -> String {
        let (snapshot, supervisor) = content.withLock { ($0.snapshot, $0.supervisor) }
        var page = MetricsPage(format, isReady: Readiness(snapshot?.readinessFacts(isDraining: isDraining)).ready)
        if let supervisor { page.add(supervisor) }
        if let snapshot { page.add(snapshot) }
        return page.finish()
    }

    /// What `isagate status` prints.
    var status: SupervisorStatus {
        let (snapshot, supervisor) = content.withLock { ($0.snapshot, $0.supervisor) }
        return SupervisorStatus(supervisor ?? SupervisorFacts.unknown, gateway: snapshot?.status())
    }
}

extension SupervisorFacts {
    /// Of a supervisor that has sent nothing yet.
    fileprivate static var unknown: SupervisorFacts {
        SupervisorFacts(pid: parentProcess(), counters: Supervisor.Counters(), drainingProcesses: 0)
    }
}
