import Glibc
import ISAPI
import Proxy
import TLS

/// What the status page shows, as its script reads it.
///
/// Lists that a configuration may make long are cut, with their true length beside them: a page with thousands of rows
/// helps nobody, and would be sent every second.
struct StatusDocument: Encodable {
    /// Rows of each list.
    static let rowLimit = 100

    /// Seconds since 1970, with a fraction.
    let now: Double
    let version: String
    let pid: Int32
    let supervisor: Int32
    let readiness: Readiness
    let isDraining: Bool
    /// Older gateway processes whose connections are finishing.
    let drainingProcesses: Int
    let restarts: [SupervisorEvent]
    let restartCount: Int
    let reloads: [ReloadOutcome]
    let reloadCount: Int
    let refusedReloadCount: Int
    let problems: [Problem]
    let conditions: [Condition]
    /// Nil while nothing is served.
    let gateway: Served?

    /// What a gateway process serves.
    struct Served: Encodable {
        let uptime: Int
        let generation: Int
        let connections: Int
        let clients: Int
        let tls: String
        let records: String
        let traffic: Traffic
        let listeners: [ListenerStatus]
        let workers: [WorkerRow]
        let sites: List<SiteRow>
        let extensions: List<ExtensionRow>
        let pools: [ProcessPoolStatus]
        let upstreams: List<UpstreamRow>
        let certificates: List<CertificateRow>
        let logs: [AccessLogStatus]
        let limits: List<LimitRow>
    }

    /// Of all requests since the start of the process.
    struct Traffic: Encodable {
        /// By class of status, from 1xx to 5xx.
        let classes: [UInt64]
        let received: UInt64
        let sent: UInt64
    }

    struct List<Row: Encodable>: Encodable {
        let rows: [Row]
        let count: Int

        /// - Parameter count: nil if `all` are all.
        init(_ all: [Row], of count: Int? = nil) {
            rows = Array(all.prefix(StatusDocument.rowLimit))
            self.count = count ?? all.count
        }
    }

    struct WorkerRow: Encodable {
        let index: Int
        /// Seconds since the start.
        let processor: Double
        /// Seconds that a message to its loop took.
        let lag: Double
        let turns: UInt64
    }

    struct SiteRow: Encodable {
        let site: String
        let route: String
        let requests: UInt64
        let clientErrors: UInt64
        let serverErrors: UInt64
        let sent: UInt64
        let latency: RequestHistory.Latency?
    }

    struct ExtensionRow: Encodable {
        let name: String
        let description: String?
        let pool: String
        let waiting: Int
        let running: Int
        let pending: Int
    }

    struct UpstreamRow: Encodable {
        let name: String
        let waiting: Int
        let servers: [ServerRow]
    }

    struct ServerRow: Encodable {
        let url: String
        let state: String
        /// Of an ejection.
        let secondsLeft: UInt64?
        let active: Int?
        let tunnels: Int
        let requests: UInt64
        let failures: UInt64
        let retries: UInt64
        let ejections: UInt64
        let connections: UInt64
        let milliseconds: UInt64
    }

    struct CertificateRow: Encodable {
        let hosts: [String]
        let names: [String]
        let file: String
        let key: String
        let issuer: String
        let notAfter: String
        let secondsLeft: Int64
    }

    /// Something that is bounded, and how much of it is in use.
    struct LimitRow: Encodable {
        let name: String
        /// The key of the configuration, or what else sets the bound.
        let key: String
        let used: Int
        let limit: Int

        fileprivate var share: Double { Double(used) / Double(max(1, limit)) }
    }

    init(
        _ snapshot: GatewaySnapshot?, _ facts: SupervisorFacts, isDraining: Bool, events: RecentEvents, pages: Int,
        _ explainer: Explainer
    ) {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        now = Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) / 1000
        version = BuildVersion.text
        pid = getpid()
        supervisor = facts.pid
        let readiness = Readiness(snapshot?.readinessFacts(isDraining: isDraining))
        self.readiness = readiness
        self.isDraining = isDraining
        drainingProcesses = facts.drainingProcesses
        restarts = facts.counters.recentRestarts ?? []
        restartCount = facts.counters.restarts
        reloads = facts.counters.recentReloads ?? facts.counters.lastReload.map { [$0] } ?? []
        reloadCount = facts.counters.reloads
        refusedReloadCount = facts.counters.failedReloads
        let status = snapshot?.status(isDraining: isDraining)
        gateway = snapshot.flatMap { snapshot in status.map { Served(snapshot, $0, pages: pages) } }
        conditions = SupervisorStatus(facts, gateway: status).conditions ?? []
        let present = Int64(time.tv_sec)
        let list = ProblemList(
            events.latest(atMost: Self.rowLimit / 2), pools: gateway?.pools ?? [], explainer, present)
        problems = readiness.reasons.map { Problem($0, present) } + list.problems
    }
}

extension StatusDocument.Served {
    fileprivate init(_ snapshot: GatewaySnapshot, _ status: GatewayStatus, pages: Int) {
        uptime = status.uptimeSeconds
        generation = status.generation
        connections = status.connections
        clients = status.clients
        tls = TLSLibrary.version
        records = RecordProtection.summary
        listeners = status.listeners
        logs = status.accessLogs ?? []
        workers = Self.workers(snapshot)
        let series = snapshot.metrics.map { plan in
            RequestSeriesCounts(snapshot.servers.compactMap { $0.metrics?.counts }, plan).all
        }
        let bounds = snapshot.metrics?.buckets ?? []
        let rows = (series ?? []).map { StatusDocument.SiteRow($0, bounds) }
        traffic = StatusDocument.Traffic(series ?? [])
        sites = StatusDocument.List(rows.sorted { ($0.requests, $1.site) > ($1.requests, $0.site) })
        extensions = StatusDocument.List(
            status.extensions.map { StatusDocument.ExtensionRow($0, snapshot.loaded?.load(of: $0.name)) })
        pools = snapshot.loaded?.poolStatus() ?? []
        upstreams = StatusDocument.List(Self.upstreams(snapshot, status.upstreams))
        certificates = StatusDocument.List(Self.certificates(snapshot), of: snapshot.certificates?.reports.count ?? 0)
        limits = StatusDocument.List(Self.limits(snapshot, pages: pages).sorted { $0.share > $1.share })
    }

    /// How long a document waits for event loops that do not answer, in seconds.
    private static var lagLimit: Double { 0.25 }

    private static func workers(_ snapshot: GatewaySnapshot) -> [StatusDocument.WorkerRow] {
        let workers = snapshot.servers.map(\.worker)
        let times = WorkerUsage.processorTimes(workers: workers.count)
        let lags = WorkerUsage.loopLags(of: workers, limit: lagLimit)
        return workers.indices.map { index in
            StatusDocument.WorkerRow(
                index: index, processor: times[index], lag: lags[index], turns: UInt64(workers[index].turns))
        }
    }

    private static func upstreams(
        _ snapshot: GatewaySnapshot, _ statuses: [UpstreamStatus]
    ) -> [StatusDocument.UpstreamRow] {
        zip(snapshot.upstreams?.upstreams ?? [], statuses).map { upstream, status in
            StatusDocument.UpstreamRow(
                name: status.name, waiting: status.waitingRequests,
                servers: status.servers.enumerated().map { index, server in
                    StatusDocument.ServerRow(
                        url: server.url, state: server.state, secondsLeft: server.ejectedMilliseconds.map { $0 / 1000 },
                        active: server.activeRequests, tunnels: server.tunnels,
                        requests: upstream.sum(index) { $0.requests.count },
                        failures: upstream.sum(index) { $0.failures.count },
                        retries: upstream.sum(index) { $0.retries.count },
                        ejections: upstream.sum(index) { $0.ejections.count },
                        connections: upstream.sum(index) { $0.connections.count },
                        milliseconds: upstream.sum(index) { $0.milliseconds.count })
                })
        }
    }

    /// Those that expire first come first.
    private static func certificates(_ snapshot: GatewaySnapshot) -> [StatusDocument.CertificateRow] {
        let now = TLS.Timestamp.now.seconds
        let reports = (snapshot.certificates?.reports ?? []).sorted { $0.notAfter < $1.notAfter }
        return reports.prefix(StatusDocument.rowLimit).map { report in
            StatusDocument.CertificateRow(
                hosts: Array(report.hosts.prefix(10)), names: Array(report.names.prefix(10)), file: report.file,
                key: report.keyType.description, issuer: report.issuer, notAfter: report.notAfter.description,
                secondsLeft: report.notAfter.seconds - now)
        }
    }

    private static func limits(_ snapshot: GatewaySnapshot, pages: Int) -> [StatusDocument.LimitRow] {
        typealias Row = StatusDocument.LimitRow
        var rows = [
            Row(
                name: "connections of clients", key: "limits.max_connections", used: snapshot.admission.count,
                limit: snapshot.admission.limit),
            Row(name: "open status pages", key: "built in", used: pages, limit: StatusFeed.readerLimit),
        ]
        if let descriptors = DescriptorUsage.current {
            rows.append(
                Row(
                    name: "descriptors", key: "RLIMIT_NOFILE", used: descriptors.open,
                    limit: descriptors.limit))
        }
        for one in snapshot.extensions {
            guard let load = snapshot.loaded?.load(of: one.name) else { continue }
            rows.append(
                Row(
                    name: "requests that wait for extension \(one.name)", key: "extensions.\(one.name).queue",
                    used: load.waiting, limit: one.queue))
        }
        for one in snapshot.upstreams?.upstreams ?? [] {
            rows.append(
                Row(
                    name: "requests that wait for upstream \(one.name)", key: "upstreams.\(one.name).queue",
                    used: one.state.queue.count, limit: one.state.queue.limit))
            for server in one.servers {
                guard let limit = server.maximumRequests else { continue }
                rows.append(
                    Row(
                        name: "requests at \(server.name)", key: "upstreams.\(one.name).servers",
                        used: server.activeRequests, limit: limit))
            }
        }
        return rows.filter { $0.limit > 0 && $0.limit < Int.max / 2 }
    }
}

extension StatusDocument.Traffic {
    fileprivate init(_ series: [RequestSeriesCounts.Series]) {
        var classes = [UInt64](repeating: 0, count: RouteCounters.classes)
        for one in series {
            for (index, count) in one.counts.requests.enumerated() { classes[index % classes.count] += count }
        }
        self.classes = classes
        received = series.reduce(0) { $0 + $1.counts.received }
        sent = series.reduce(0) { $0 + $1.counts.sent }
    }
}

extension StatusDocument.SiteRow {
    fileprivate init(_ series: RequestSeriesCounts.Series, _ bounds: [UInt64]) {
        func count(ofClass group: Int) -> UInt64 {
            series.counts.requests.enumerated().reduce(0) { sum, entry in
                entry.offset % RouteCounters.classes == group ? sum + entry.element : sum
            }
        }
        site = series.site
        route = series.route
        requests = series.counts.requests.reduce(0, +)
        clientErrors = count(ofClass: 3)
        serverErrors = count(ofClass: 4)
        sent = series.counts.sent
        latency = RequestHistory.Latency(series.counts.buckets, bounds)
    }
}

extension StatusDocument.ExtensionRow {
    fileprivate init(_ status: ExtensionStatus, _ load: ApplicationPool.Load?) {
        name = status.name
        description = status.description
        pool = status.pool ?? "in_process"
        waiting = load?.waiting ?? 0
        running = load?.running ?? 0
        pending = load?.pending ?? 0
    }
}

/// The history as columns, which are shorter than rows with names; the newest step is the last one.
struct HistoryDocument: Encodable {
    let step = RequestHistory.stepSeconds
    let limit = RequestHistory.limit
    /// When each step ended, in seconds since 1970.
    let ends: [Int64]
    /// How long each step took.
    let seconds: [Double]
    /// By class of status, from 1xx to 5xx.
    let classes: [[UInt64]]
    let received: [UInt64]
    let sent: [UInt64]
    /// In milliseconds.
    let p50: [Double?]
    let p90: [Double?]
    let p99: [Double?]
    /// Of the last minute as a whole.
    let minute: RequestHistory.Latency?

    init(_ history: RequestHistory) {
        let steps = history.steps
        ends = steps.map(\.end)
        seconds = steps.map { $0.seconds.rounded(toPlaces: 2) }
        classes = (0..<RouteCounters.classes).map { group in steps.map { $0.counts.classes[group] } }
        received = steps.map(\.counts.received)
        sent = steps.map(\.counts.sent)
        p50 = steps.map { $0.latency?.p50.rounded(toPlaces: 1) }
        p90 = steps.map { $0.latency?.p90.rounded(toPlaces: 1) }
        p99 = steps.map { $0.latency?.p99.rounded(toPlaces: 1) }
        minute = history.latencyOfLastMinute
    }

    private enum CodingKeys: CodingKey {
        case step, limit, ends, seconds, classes, received, sent, p50, p90, p99, minute
    }
}

extension Double {
    fileprivate func rounded(toPlaces places: Int) -> Double {
        let factor = pow(10, Double(places))
        return (self * factor).rounded() / factor
    }
}
