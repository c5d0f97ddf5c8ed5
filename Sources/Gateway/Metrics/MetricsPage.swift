import ISAPI
import TLS
import Transport

/// The document that a monitoring system collects.
///
/// Every label is a name of the configuration or one of few words, so that clients cannot add series.
struct MetricsPage {
    var page: Exposition

    init(_ format: Exposition.Format, isReady: Bool) {
        page = Exposition(format)
        page.begin("isagate_build_info", .gauge, "The program that serves, as labels of the value 1.")
        page.add(1, ["version": BuildVersion.text, "tls": TLSLibrary.version])
        page.begin("isagate_ready", .gauge, "Whether /readyz answers 200.")
        page.add(isReady ? 1 : 0)
    }

    mutating func finish() -> String {
        page.end()
        return page.text
    }

    // MARK: What an operator should know

    mutating func add(_ conditions: [Condition]) {
        page.begin(
            "isagate_condition", .gauge,
            "What an operator should know, as labels of the value 1; isagate explain explains the reason.")
        var seen = Set<[String]>()
        for one in conditions where seen.insert([one.reason, one.name ?? ""]).inserted {
            page.add(1, ["reason": one.reason, "name": one.name ?? ""])
        }
    }

    // MARK: Supervision

    mutating func add(_ supervisor: SupervisorFacts) {
        let counters = supervisor.counters
        page.begin("isagate_gateway_restarts", .counter, "Gateway processes that died and were replaced.")
        page.add(counters.restarts)
        page.begin("isagate_draining_processes", .gauge, "Gateway processes whose connections are finishing.")
        page.add(supervisor.drainingProcesses)
        page.begin("isagate_reloads", .counter, "Reloads of the configuration by their outcome.")
        page.add(counters.reloads, ["outcome": "done"])
        page.add(counters.failedReloads, ["outcome": "refused"])
        guard let last = counters.lastReload else { return }
        page.begin("isagate_last_reload_successful", .gauge, "Whether the last reload was not refused.")
        page.add(last.succeeded ? 1 : 0)
        page.begin("isagate_last_reload_timestamp_seconds", .gauge, "When the last reload ended.")
        page.add(last.unixSeconds)
    }

    // MARK: The gateway process

    mutating func add(_ snapshot: GatewaySnapshot, _ status: GatewayStatus) {
        page.begin("isagate_uptime_seconds", .gauge, "The age of the gateway process.")
        page.add(status.uptimeSeconds)
        page.begin("isagate_generation", .gauge, "The number of the configuration that is served.")
        page.add(status.generation)
        page.begin("isagate_connections", .gauge, "Open connections of clients.")
        page.add(status.connections)
        page.begin("isagate_connections_limit", .gauge, "The value of max_connections.")
        page.add(snapshot.admission.limit)
        page.begin("isagate_clients", .gauge, "Client addresses with at least one open connection.")
        page.add(status.clients)
        page.begin("isagate_connections_accepted", .counter, "Connections accepted, by worker.")
        for server in snapshot.servers { page.add(server.accepted.count, ["worker": "\(server.worker.index)"]) }
        addRequests(snapshot)
        addRefusals(status.refusals)
        addHandshakes(snapshot.servers)
        addWorkers(snapshot.servers)
        addCertificates(snapshot.certificates?.reports ?? [])
        addOrders(snapshot.acme.status)
        addLogs(status.accessLogs ?? [])
        addFileCache(snapshot.fileCaches)
        addUpstreams(status.upstreams)
        if let upstreams = snapshot.upstreams { addCounters(of: upstreams) }
        addDiscovery(snapshot.etcd.status)
        addEngines(status.shared ?? [])
        addExtensions(status.extensions, snapshot.loaded)
        addExtensionCounters(status.extensions.map(\.name), snapshot.loaded)
        addPools(snapshot.loaded?.poolStatus() ?? [])
    }

    // MARK: Requests

    private mutating func addRequests(_ snapshot: GatewaySnapshot) {
        guard let plan = snapshot.metrics else { return }
        let series = RequestSeriesCounts(snapshot.servers.compactMap { $0.metrics?.counts }, plan)
        page.begin(
            "isagate_requests", .counter, "Requests answered, by site, kind of route, method and class of status.")
        for one in series.all {
            for (index, count) in one.counts.requests.enumerated() where count > 0 {
                let (method, group) = index.quotientAndRemainder(dividingBy: RouteCounters.classes)
                page.add(
                    count,
                    [
                        "site": one.site, "route": one.route, "method": RequestSeriesCounts.methods[method],
                        "code": "\(group + 1)xx",
                    ])
            }
        }
        page.begin(
            "isagate_request_duration_seconds", .histogram,
            "From the first byte of a request to the end of its response, by the clock of the event loop.")
        let bounds = plan.buckets.map { Double($0) / 1000 }
        for one in series.all {
            page.add(
                histogram: bounds, counts: one.counts.buckets, sum: Double(one.counts.milliseconds) / 1000,
                exemplars: one.counts.exemplars,
                ["site": one.site, "route": one.route])
        }
        page.begin("isagate_request_bytes", .counter, "Bytes of request heads and contents that were read.")
        for one in series.all { page.add(one.counts.received, ["site": one.site, "route": one.route]) }
        page.begin("isagate_response_bytes", .counter, "Bytes of response contents.")
        for one in series.all { page.add(one.counts.sent, ["site": one.site, "route": one.route]) }
        addCodings(snapshot.servers.compactMap { $0.metrics?.codings.counts })
    }

    private mutating func addCodings(_ workers: [[CodingCounters.Counts]]) {
        let sums = CodingCounters.names.indices.map { index in
            workers.reduce(CodingCounters.Counts()) { $0 + $1[index] }
        }
        page.begin("isagate_compressed_responses", .counter, "Responses that were compressed, by coding.")
        for (name, sum) in zip(CodingCounters.names, sums) { page.add(sum.responses, ["coding": name]) }
        page.begin("isagate_compression_input_bytes", .counter, "Bytes of their contents before that.")
        for (name, sum) in zip(CodingCounters.names, sums) { page.add(sum.uncodedBytes, ["coding": name]) }
        page.begin("isagate_compression_output_bytes", .counter, "Bytes of their contents as they were sent.")
        for (name, sum) in zip(CodingCounters.names, sums) { page.add(sum.codedBytes, ["coding": name]) }
    }

    private mutating func addRefusals(_ refusals: [RefusalCount]) {
        page.begin(
            "isagate_refusals", .counter,
            "Clients that were refused or cut off, by what happened and the reason in the log.")
        for one in refusals {
            page.add(
                one.count,
                [
                    "event": String(one.topic.map { $0 == " " || $0 == "/" ? "_" : $0 }).lowercased(),
                    "reason": one.reason,
                ])
        }
    }

    private mutating func addHandshakes(_ servers: [WorkerServer]) {
        var sums: [HandshakeFacts: Int] = [:]
        for server in servers { sums.merge(server.handshakes.counts, uniquingKeysWith: +) }
        page.begin(
            "isagate_tls_handshakes", .counter,
            "TLS handshakes completed, by what they negotiated, and by who makes the records.")
        let lines = sums.map { facts, count in
            (
                key: "\(facts.version) \(facts.group) \(facts.isResumed) \(facts.hasOwnRecords)", facts: facts,
                count: count
            )
        }
        for (_, facts, count) in lines.sorted(by: { $0.key < $1.key }) {
            page.add(
                count,
                [
                    "version": facts.version, "group": facts.group, "resumed": facts.isResumed ? "yes" : "no",
                    "records": facts.hasOwnRecords ? "isagate" : "openssl",
                ])
        }
    }

    private mutating func addWorkers(_ servers: [WorkerServer]) {
        let workers = servers.map(\.worker)
        page.begin("isagate_workers", .gauge, "Event loops.")
        page.add(workers.count)
        page.begin("isagate_worker_turns", .counter, "Turns of the event loop of each worker.")
        for worker in workers { page.add(worker.turns, ["worker": "\(worker.index)"]) }
        page.begin("isagate_worker_cpu_seconds", .counter, "Processor time of the threads of each worker.")
        for (index, time) in WorkerUsage.processorTimes(workers: workers.count).enumerated() {
            page.add(time, ["worker": "\(index)"])
        }
        page.begin(
            "isagate_worker_loop_lag_seconds", .gauge,
            "How long a message to each worker took just now, at most \(Self.lagLimit) s.")
        for (index, lag) in WorkerUsage.loopLags(of: workers, limit: Self.lagLimit).enumerated() {
            page.add(lag, ["worker": "\(index)"])
        }
    }

    private static let lagLimit = 0.5

    private mutating func addLogs(_ logs: [AccessLogStatus]) {
        page.begin("isagate_access_log_lines", .counter, "Lines that each access log has taken.")
        for log in logs { page.add(log.lines, ["log": log.name]) }
        page.begin("isagate_access_log_lines_lost", .counter, "Lines that were not written in time.")
        for log in logs { page.add(log.lost, ["log": log.name]) }
        guard let stacks = logs.compactMap(\.stacks).first else { return }
        page.begin(
            "isagate_slow_log_stacks", .counter,
            "Stacks for the slow log: taken, dropped beyond the number in a second, refused by a thread.")
        page.add(stacks.taken, ["outcome": "taken"])
        page.add(stacks.dropped, ["outcome": "dropped"])
        page.add(stacks.refused, ["outcome": "refused"])
    }

    // MARK: Certificates

    private mutating func addOrders(_ certificates: [AcmeStatus]) {
        if certificates.isEmpty { return }
        page.begin("isagate_acme_failures", .gauge, "Attempts in a row that have brought no certificate.")
        for one in certificates { page.add(one.failures, ["name": one.names.first ?? "", "key": one.key]) }
        page.begin("isagate_acme_renewal_timestamp_seconds", .gauge, "When each certificate is going to be renewed.")
        for one in certificates {
            if let time = one.renewAt { page.add(time, ["name": one.names.first ?? "", "key": one.key]) }
        }
    }

    // MARK: Servers from etcd

    private mutating func addDiscovery(_ sources: [EtcdStatus]) {
        if sources.isEmpty { return }
        page.begin("isagate_etcd_up", .gauge, "Whether the keys with servers of each upstream can be read.")
        for one in sources { page.add(one.answeredAt != nil && one.problem == nil ? 1 : 0, ["upstream": one.upstream]) }
        page.begin("isagate_etcd_revision", .gauge, "The revision of etcd up to which the keys are known.")
        for one in sources { if let revision = one.revision { page.add(revision, ["upstream": one.upstream]) } }
        page.begin("isagate_etcd_keys", .gauge, "Keys with servers, by whether their values can be used.")
        for one in sources {
            page.add(one.keys - one.refusedCount, ["upstream": one.upstream, "usable": "yes"])
            page.add(one.refusedCount, ["upstream": one.upstream, "usable": "no"])
        }
        page.begin("isagate_etcd_answer_timestamp_seconds", .gauge, "When a member of etcd answered last.")
        for one in sources { if let time = one.answeredAt { page.add(time, ["upstream": one.upstream]) } }
        page.begin("isagate_etcd_failures", .counter, "Requests to members of etcd, and watches, that have failed.")
        for one in sources { page.add(one.failures, ["upstream": one.upstream]) }
    }

    private mutating func addCertificates(_ reports: [CertificateReport]) {
        // A certificate of several sites is one series for each; one that a site names twice would be the same series.
        var seen = Set<[String]>()
        let reports = reports.filter { seen.insert([$0.hosts.first ?? "", $0.file]).inserted }
        page.begin(
            "isagate_certificate_expiry_timestamp_seconds", .gauge, "When each certificate that is served expires.")
        for one in reports { page.add(one.notAfter.seconds, ["site": one.hosts.first ?? "", "file": one.file]) }
        page.begin(
            "isagate_certificate_generation", .gauge, "The replacement of certificates that introduced each of them.")
        for one in reports { page.add(one.generation, ["site": one.hosts.first ?? "", "file": one.file]) }
    }
}

/// The counts of all workers together, for the sites of the configuration.
struct RequestSeriesCounts {
    struct Series {
        let site: String
        let route: String
        let counts: RouteCounts
    }

    /// By site and kind of route.
    let all: [Series]

    /// The values of the label `method`, in the order of `Method`.
    static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "other"]

    init(_ workers: [[Int32: RouteCounts]], _ plan: MetricsPlan) {
        var sums: [Int32: RouteCounts] = [:]
        for (tag, counts) in workers.joined() {
            if sums[tag] == nil { sums[tag] = counts } else { sums[tag]?.add(counts) }
        }
        let kinds = Int32(RouteKind.allCases.count)
        all = sums.compactMap { tag, counts in
            let (number, kind) = tag.quotientAndRemainder(dividingBy: kinds)
            guard let site = plan.sites[number], let kind = RouteKind(rawValue: kind) else { return nil }
            return Series(site: site, route: kind.label, counts: counts)
        }.sorted { ($0.site, $0.route) < ($1.site, $1.route) }
    }
}
