import ISAPI
import Testing

@testable import Gateway

@Suite("The history of requests")
struct RequestHistoryTests {
    private let bounds: [UInt64] = [10, 100]

    /// What the counters show after so many requests in the buckets.
    private func totals(_ buckets: [UInt64], failed: UInt64 = 0) -> RequestTotals {
        var totals = RequestTotals(bounds: bounds.count)
        totals.buckets = buckets
        totals.classes = [0, buckets.reduce(0, +) - failed, 0, 0, failed]
        return totals
    }

    @Test("A step has what was counted since the one before")
    func steps() {
        var history = RequestHistory()
        history.add(totals([5, 0, 0]), bounds: bounds, milliseconds: 1000, now: 1)
        #expect(history.steps.isEmpty)
        history.add(totals([8, 1, 0], failed: 1), bounds: bounds, milliseconds: 6000, now: 6)
        #expect(history.steps.count == 1)
        #expect(history.steps[0].counts.buckets == [3, 1, 0])
        #expect(history.steps[0].counts.classes == [0, 3, 0, 0, 1])
        #expect(history.steps[0].seconds == 5)
    }

    @Test("It ends with 15 minutes")
    func bounded() {
        var history = RequestHistory()
        for step in 0...UInt64(RequestHistory.limit + 20) {
            history.add(totals([step, 0, 0]), bounds: bounds, milliseconds: step * 5000, now: Int64(step) * 5)
        }
        #expect(history.steps.count == 180)
        #expect(history.steps.last?.end == Int64(RequestHistory.limit + 20) * 5)
        #expect(history.steps.allSatisfy { $0.counts.requests == 1 })
    }

    @Test("Counters that begin anew, and other buckets, are no negative step")
    func resets() {
        var history = RequestHistory()
        history.add(totals([50, 0, 0]), bounds: bounds, milliseconds: 0, now: 0)
        history.add(totals([2, 0, 0]), bounds: bounds, milliseconds: 5000, now: 5)
        var other = RequestTotals(bounds: 1)
        other.buckets = [7, 0]
        history.add(other, bounds: [20], milliseconds: 10_000, now: 10)
        #expect(history.steps.map { $0.counts.buckets } == [[2, 0, 0], [7, 0]])
    }

    @Test(
        "A share of times lies within the bucket in which it falls",
        arguments: [
            (0.5, [100, 0, 0], 5), (0.99, [100, 0, 0], 9.9), (0.5, [10, 90, 0], 50), (0.9, [50, 50, 0], 82),
            // Beyond the last bound nothing is known.
            (0.99, [0, 0, 4], 100),
        ] as [(Double, [UInt64], Double)])
    func quantiles(quantile: Double, buckets: [UInt64], expected: Double) throws {
        let found = try #require(RequestHistory.Latency.quantile(quantile, buckets, bounds))
        #expect(abs(found - expected) < 0.001)
    }

    @Test("Without requests there are no times")
    func silence() {
        #expect(RequestHistory.Latency([0, 0, 0], bounds) == nil)
    }
}

@Suite("What has gone wrong lately")
struct RecentEventsTests {
    @Test("A line of the log is split into its topic and the rest")
    func lines() {
        let events = RecentEvents()
        events.take("pool legacy: process 7: signal 11", .error, at: 5)
        events.take("something without a topic", .warning, at: 6)
        let latest = events.latest(atMost: 10)
        #expect(latest.map(\.topic) == ["gateway", "pool legacy"])
        #expect(latest.map(\.reason) == ["something without a topic", "process 7: signal 11"])
    }

    @Test("The same line again is counted")
    func repeated() {
        let events = RecentEvents()
        for second in 1...3 { events.take("a: b", .warning, at: Int64(second)) }
        #expect(events.latest(atMost: 10).map { [$0.count, Int($0.last)] } == [[3, 3]])
    }

    @Test("Old lines leave, and long ones are cut")
    func bounded() {
        let events = RecentEvents()
        for number in 0..<200 {
            events.take("line \(number): " + String(repeating: "x", count: 5000), .warning, at: Int64(number))
        }
        let latest = events.latest(atMost: 1000)
        #expect(latest.count == RecentEvents.lineLimit)
        #expect(latest.first?.topic == "line 199")
        #expect(latest.allSatisfy { $0.reason.count <= 1000 })
    }

    @Test("A reason of the catalogue is explained, by what it was given for")
    func explained() {
        let explainer = Explainer()
        let explanation = explainer.explanation(of: "connection to the server failed", "upstream failed")
        #expect(explanation?.cause == .upstream)
        #expect(explanation == explainer.explanation(of: "connection to the server failed", "upstream failed"))
        #expect(explainer.explanation(of: "nothing that is known", "gateway") == nil)
    }
}

@Suite("The last reloads")
struct ReloadHistoryTests {
    @Test("The newest come first, and ten are kept")
    func bounded() {
        var counters = Supervisor.Counters()
        for number in 1...12 { counters.note(ReloadOutcome(succeeded: number % 2 == 0, message: "\(number)")) }
        #expect(counters.recentReloads?.map(\.message) == (3...12).reversed().map { "\($0)" })
        #expect((counters.reloads, counters.failedReloads) == (6, 6))
        #expect(counters.lastReload?.message == "12")
    }

    @Test("What did not change is left out, and long lists are cut")
    func changes() {
        let unchanged = ["a.pem: unchanged, serial 1, expires 2027, names a"]
        #expect(ReloadOutcome(succeeded: true, message: "", changes: unchanged).changes == [])
        let many = ReloadOutcome(succeeded: true, message: "", changes: (1...50).map { "change \($0)" }).changes
        #expect(many?.count == 41)
        #expect(many?.last == "and 10 more")
    }
}

@Suite("Problems on the status page")
struct StatusProblemTests {
    private let explainer = Explainer()

    private func pool(_ ends: [ProcessPoolStatus.EndStatus]) -> ProcessPoolStatus {
        var pool = ProcessPoolStatus(name: "legacy", extensions: ["legacy"])
        pool.lastEnds = ends
        return pool
    }

    @Test("A crash is one problem, with the lines about it as details")
    func crash() {
        let events = RecentEvents()
        events.take("pool legacy: process 7: it was ended by signal 11", .error, at: 95)
        events.take("pool legacy: process 70: something else", .error, at: 95)
        let crash = ProcessPoolStatus.EndStatus.crash(pid: 7, reason: "crash", secondsAgo: 5)
        let recycled = ProcessPoolStatus.EndStatus.crash(pid: 8, reason: "requests", secondsAgo: 1)
        let problems = StatusDocument.ProblemList(
            events.latest(atMost: 10), pools: [pool([recycled, crash])], explainer, 100
        ).problems
        #expect(problems.count == 2)
        let found = problems.first { $0.topic == "process ended" }
        #expect(found?.last == 95)
        #expect(found?.detail == "it was ended by signal 11")
        #expect(found?.explanation?.code == "ended_crash")
    }

    @Test("A reason is explained behind what it concerns")
    func subject() {
        #expect(explainer.explanation(of: "extension shop: queue full", "misbehaviour")?.meaning.isEmpty == false)
    }

    @Test("Why the gateway is not ready is a problem of the moment")
    func readiness() {
        let reason = Condition(.draining, "the gateway ends")
        let problem = StatusDocument.Problem(reason, 100)
        #expect((problem.last, problem.explanation?.code) == (100, "draining"))
    }
}

extension ProcessPoolStatus.EndStatus {
    fileprivate static func crash(pid: Int32, reason: String, secondsAgo: Int) -> Self {
        Self(pid: pid, reason: reason, text: "signal 11", secondsAgo: secondsAgo, requests: 1)
    }
}
