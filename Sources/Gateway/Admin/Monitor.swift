import Synchronization

/// What the admin listener reports about the gateway; asked from any thread.
final class Monitor: Sendable {
    /// For pages that are open.
    let feed = StatusFeed()
    /// What has gone wrong lately.
    let events = RecentEvents()
    private let explainer = Explainer()
    private let drains = Atomic(false)
    private let content = Mutex(Content())

    private struct Content {
        var snapshot: GatewaySnapshot?
        var supervisor: SupervisorFacts?
    }

    /// Reports on what is served from now on; nil when nothing is.
    func show(_ snapshot: GatewaySnapshot?) {
        content.withLock { $0.snapshot = snapshot }
        feed.serve(snapshot, of: self)
    }

    func take(_ facts: SupervisorFacts) {
        content.withLock { $0.supervisor = facts }
    }

    /// The gateway ends: it is not ready from now on.
    func drain() {
        drains.store(true, ordering: .releasing)
        feed.release(self)
    }

    /// Whether the gateway ends: its connections finish, or it is about to let them.
    var isDraining: Bool {
        drains.load(ordering: .acquiring) || content.withLock { $0.supervisor?.isLeaving == true }
    }

    var readiness: Readiness {
        let snapshot = content.withLock { $0.snapshot }
        return Readiness(snapshot?.readinessFacts(isDraining: isDraining))
    }

    func metrics(in format: Exposition.Format) -> String {
        let (snapshot, supervisor) = content.withLock { ($0.snapshot, $0.supervisor) }
        let status = snapshot?.status(isDraining: isDraining)
        var page = MetricsPage(format, isReady: Readiness(snapshot?.readinessFacts(isDraining: isDraining)).ready)
        page.add(SupervisorStatus(supervisor ?? .unknown, gateway: status).conditions ?? [])
        if let supervisor { page.add(supervisor) }
        if let snapshot, let status { page.add(snapshot, status) }
        return page.finish()
    }

    /// What the status page shows.
    func document() -> StatusDocument {
        let (snapshot, supervisor) = content.withLock { ($0.snapshot, $0.supervisor) }
        return StatusDocument(
            snapshot, supervisor ?? .unknown, isDraining: isDraining, events: events, pages: feed.readerCount,
            explainer)
    }

    /// What was counted of all requests, with the upper bounds of the buckets; nil where nothing is counted.
    func requestTotals() -> (RequestTotals, bounds: [UInt64])? {
        guard let snapshot = content.withLock({ $0.snapshot }), let plan = snapshot.metrics else { return nil }
        var totals = RequestTotals(bounds: plan.buckets.count)
        for server in snapshot.servers { server.metrics?.add(to: &totals) }
        return (totals, plan.buckets)
    }

    /// What `isagate status` prints.
    var status: SupervisorStatus {
        let (snapshot, supervisor) = content.withLock { ($0.snapshot, $0.supervisor) }
        return SupervisorStatus(
            supervisor ?? SupervisorFacts.unknown, gateway: snapshot?.status(isDraining: isDraining))
    }
}

extension SupervisorFacts {
    /// Of a supervisor that has sent nothing yet.
    fileprivate static var unknown: SupervisorFacts {
        SupervisorFacts(pid: parentProcess(), counters: Supervisor.Counters(), drainingProcesses: 0)
    }
}
