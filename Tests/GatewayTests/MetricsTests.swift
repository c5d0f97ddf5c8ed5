import Testing
import Transport

@testable import Gateway
@testable import HTTP

@Suite("Metrics as text")
struct ExpositionTests {
    private func text(_ format: Exposition.Format) -> [String] {
        var page = Exposition(format)
        page.begin("isagate_things", .counter, "Things.")
        page.add(3, ["kind": "a"])
        page.begin("isagate_level", .gauge, "The level.")
        page.add(0.5)
        page.end()
        return page.text.split(separator: "\n").map(String.init)
    }

    @Test("Prometheus's form names a counter as its samples are named")
    func prometheus() {
        #expect(
            text(.prometheus) == [
                "# HELP isagate_things_total Things.", "# TYPE isagate_things_total counter",
                "isagate_things_total{kind=\"a\"} 3", "# HELP isagate_level The level.", "# TYPE isagate_level gauge",
                "isagate_level 0.5",
            ])
    }

    @Test("OpenMetrics names it without the suffix, and states the end")
    func openMetrics() {
        #expect(
            text(.openMetrics) == [
                "# HELP isagate_things Things.", "# TYPE isagate_things counter",
                "isagate_things_total{kind=\"a\"} 3", "# HELP isagate_level The level.", "# TYPE isagate_level gauge",
                "isagate_level 0.5", "# EOF",
            ])
    }

    @Test("Buckets are cumulative and end with infinity")
    func histogram() {
        var page = Exposition(.prometheus)
        page.begin("t_seconds", .histogram, "Times.")
        page.add(histogram: [0.1, 1], counts: [2, 0, 5], sum: 9, ["site": "a"])
        #expect(
            page.text.split(separator: "\n").dropFirst(2) == [
                "t_seconds_bucket{site=\"a\",le=\"0.1\"} 2", "t_seconds_bucket{site=\"a\",le=\"1.0\"} 2",
                "t_seconds_bucket{site=\"a\",le=\"+Inf\"} 7", "t_seconds_sum{site=\"a\"} 9.0",
                "t_seconds_count{site=\"a\"} 7",
            ])
    }

    @Test(
        "No value of a label can end it",
        arguments: [("plain", "plain"), ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("a\u{1}b", "a b")])
    func escaping(value: String, expected: String) {
        #expect(Exposition.escaped(value) == expected)
    }

    @Test(
        "OpenMetrics is chosen by a client that states it and does not prefer the other",
        arguments: [
            ("", false), ("*/*", false), ("text/plain", false), ("application/openmetrics-text", true),
            ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", true),
            ("text/plain , Application/OpenMetrics-Text ; q=0.3", false), ("application/openmetrics-text; q=0", false),
            ("application/openmetrics-text;q=x", true),
        ])
    func negotiation(accept: String, isOpenMetrics: Bool) {
        #expect(Exposition.Format(accept: accept) == (isOpenMetrics ? .openMetrics : .prometheus))
    }
}

@Suite("What is counted of requests")
struct RequestCountingTests {
    private func measures(_ method: Method = .get, _ status: Int = 200, began: UInt64 = 0) -> ExchangeMeasures {
        ExchangeMeasures(
            tag: 0, method: method, status: status, began: Deadline(milliseconds: began), receivedBytes: 100,
            sentBytes: 7, coding: nil)
    }

    @Test(
        "A time is counted in the first bucket that it does not exceed", arguments: [(0, 0), (10, 0), (11, 1), (99, 2)])
    func buckets(milliseconds: UInt64, bucket: Int) {
        let counters = RouteCounters(buckets: [10, 20])
        _ = counters.count(measures(began: 1000), until: Deadline(milliseconds: 1000 + milliseconds), in: 0)
        #expect(counters.counts.buckets == (0..<3).map { $0 == bucket ? 1 : 0 })
        #expect(counters.counts.milliseconds == milliseconds)
    }

    @Test(
        "Methods and classes of status are counted apart",
        arguments: [
            (Method.get, 101, 0), (.get, 204, 1), (.get, 304, 2), (.get, 499, 3), (.get, 599, 4), (.other, 200, 46),
        ])
    func series(method: Method, status: Int, index: Int) {
        let counters = RouteCounters(buckets: [])
        _ = counters.count(measures(method, status), until: Deadline(milliseconds: 0), in: 0)
        #expect(counters.counts.requests.firstIndex(of: 1) == index)
        #expect(counters.counts.requests.reduce(0, +) == 1)
    }

    @Test("Workers are added up, and sites of earlier configurations left out")
    func sums() throws {
        let counters = RouteCounters(buckets: [10])
        _ = counters.count(measures(), until: Deadline(milliseconds: 0), in: 0)
        let text = ConfigurationText(more: "admin: { bind: \"127.0.0.1:9145\", latency_buckets: [10ms] }").text
        let configuration = try decode(text)
        let numbers = SiteNumbers()
        let plan = try #require(MetricsPlan(configuration, numbers))
        let known = RequestSeries.tag(ofSite: numbers.number(of: configuration.sites[0]), .respond)
        let gone = RequestSeries.tag(ofSite: 99, .respond)
        let series = RequestSeriesCounts(
            [[known: counters.counts], [known: counters.counts, gone: counters.counts]], plan)
        #expect(series.all.map(\.site) == [configuration.sites[0].metricsLabel])
        #expect(series.all.map(\.route) == ["respond"])
        #expect(series.all.first?.counts.sent == 14)
        #expect(series.all.first?.counts.buckets == [2, 0])
    }

    @Test("Without an admin listener nothing is counted")
    func off() throws {
        #expect(try MetricsPlan(decode(ConfigurationText().text), SiteNumbers()) == nil)
    }

    @Test("The processor time of a thread is read whatever its name is")
    func threadTimes() {
        let line = "12 (worker-1 (x) 2) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20"
        let usage = WorkerUsage.parse(line)
        #expect(usage?.name == "worker-1 (x) 2")
        #expect(usage?.ticks == 42)
        #expect(WorkerUsage.parse("12 (broken") == nil)
    }
}
