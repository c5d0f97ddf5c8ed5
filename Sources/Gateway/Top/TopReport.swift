import ISAPI

/// What happened between two looks at a gateway, as `isagate top` shows it.
package struct TopReport {
    /// One look.
    package struct Sample {
        package var status: SupervisorStatus
        package var pools: [ProcessPoolStatus]
        /// Seconds by a clock that only goes forward.
        package var seconds: Double

        package init(status: SupervisorStatus, pools: [ProcessPoolStatus], seconds: Double) {
            self.status = status
            self.pools = pools
            self.seconds = seconds
        }
    }

    private let sample: Sample
    private let gateway: GatewayStatus?
    /// Of the same gateway process; nil for the first look, and after a restart.
    private let earlier: GatewayStatus?
    private let seconds: Double

    package init(_ sample: Sample, since previous: Sample?) {
        self.sample = sample
        gateway = sample.status.gateway
        let before = previous?.status.gateway
        earlier = before?.pid == gateway?.pid ? before : nil
        seconds = previous.map { max(sample.seconds - $0.seconds, 0.001) } ?? 0
    }

    // MARK: Values

    /// Requests begun in a second; nil without an earlier look.
    var requestRate: Double? { rate(\.requests) }

    /// Requests, connections and handshakes refused or cut in a second.
    var refusalRate: Double? { rate { $0.refusals.reduce(0) { $0 + $1.count } } }

    /// Responses with a status of 500 and more in a second; nil where nothing is counted.
    var errorRate: Double? {
        guard let now = gateway?.traffic, let before = earlier?.traffic else { return nil }
        return Double(now.statusClasses[4]) / seconds - Double(before.statusClasses[4]) / seconds
    }

    /// The bucket with the time that this part of the requests did not exceed: `10 ms`; `-` where nothing is known.
    func time(of part: Double) -> String {
        guard let now = gateway?.traffic, let before = earlier?.traffic, now.buckets.count == before.buckets.count
        else {
            return "-"
        }
        let counts = zip(now.buckets, before.buckets).map { $0 > $1 ? Double($0 - $1) : 0 }
        let wanted = counts.reduce(0, +) * part
        guard wanted > 0 else { return "-" }
        var sum = 0.0
        for (count, bound) in zip(counts, now.boundsMilliseconds) {
            sum += count
            if sum >= wanted { return "\(bound) ms" }
        }
        return now.boundsMilliseconds.last.map { "> \($0) ms" } ?? "-"
    }

    private func rate(_ value: (GatewayStatus) -> Int) -> Double? {
        guard let gateway, let earlier else { return nil }
        return Double(value(gateway) - value(earlier)) / seconds
    }

    // MARK: Text

    /// The line of a look for files and pipes.
    package var line: String {
        guard let gateway else { return "no gateway process serves" }
        return [
            "requests/s \(Self.text(requestRate))", "errors/s \(Self.text(errorRate))",
            "refused/s \(Self.text(refusalRate))", "connections \(gateway.connections)", "p50 \(time(of: 0.5))",
            "p99 \(time(of: 0.99))",
        ].joined(separator: "  ")
    }

    /// The lines of a screen, none wider than it.
    package func screen(rows: Int, columns: Int) -> [String] {
        let lines = summary + [""] + upstreams + pools + refusals
        return lines.prefix(max(rows, 1)).map { String($0.prefix(max(columns, 1))) }
    }

    private var summary: [String] {
        guard let gateway else { return ["no gateway process serves; \(sample.status.restarts) restarts"] }
        return [
            "isagate \(gateway.version)  process \(gateway.pid)  up \(Self.time(gateway.uptimeSeconds))  "
                + "generation \(gateway.generation)  \(sample.status.restarts) restarts  (q quits)",
            "requests/s \(Self.text(requestRate))  errors/s \(Self.text(errorRate))  "
                + "refused/s \(Self.text(refusalRate))  total \(gateway.requests)",
            "times      p50 \(time(of: 0.5))  p99 \(time(of: 0.99))"
                + (gateway.traffic == nil ? "  (with admin.bind only)" : ""),
            "clients    \(gateway.connections) connections of \(gateway.clients) clients",
        ]
    }

    private var upstreams: [String] {
        let rows = (gateway?.upstreams ?? []).flatMap { upstream in
            upstream.servers.map { server in
                [
                    upstream.name, server.url, server.state, server.activeRequests.map(String.init) ?? "-",
                    "\(upstream.waitingRequests)", "\(server.tunnels)",
                ]
            }
        }
        return Self.table(["UPSTREAM", "SERVER", "STATE", "ACTIVE", "WAITING", "TUNNELS"], rows)
    }

    private var pools: [String] {
        let rows = sample.pools.map { pool in
            let memory = pool.processes.reduce(0) { $0 + $1.privateMemory } >> 20
            return [
                pool.name, pool.state, "\(pool.processes.count)",
                "\(pool.processes.reduce(0) { $0 + $1.requests })", "\(pool.processes.reduce(0) { $0 + $1.served })",
                "\(memory) MiB", "\(pool.ends["crash"] ?? 0)",
            ]
        }
        return Self.table(["POOL", "STATE", "PROCESSES", "ACTIVE", "SERVED", "MEMORY", "CRASHES"], rows)
    }

    /// Those that went up, the most frequent first.
    private var refusals: [String] {
        guard let gateway, let earlier else { return [] }
        let before = Dictionary(earlier.refusals.map { ([$0.topic, $0.reason], $0.count) }) { first, _ in first }
        let rates = gateway.refusals.map { one in
            (one, Double(one.count - (before[[one.topic, one.reason]] ?? 0)) / seconds)
        }.filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }
        return Self.table(["PER SECOND", "REASON"], rates.map { [Self.text($0.1), "\($0.0.topic): \($0.0.reason)"] })
    }

    /// Columns as wide as their longest text; nothing without a row.
    private static func table(_ head: [String], _ rows: [[String]]) -> [String] {
        guard !rows.isEmpty else { return [] }
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        return ([head] + rows).map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
                .withoutSpacesAtEnd
        } + [""]
    }

    private static func text(_ rate: Double?) -> String {
        guard let rate else { return "-" }
        let tenths = Int((max(rate, 0) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func time(_ seconds: Int) -> String {
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60)
        return days > 0 ? "\(days)d \(hours)h" : hours > 0 ? "\(hours)h \(minutes)m" : "\(minutes)m \(seconds % 60)s"
    }
}
