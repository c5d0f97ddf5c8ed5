import Testing
import Transport

@testable import HTTP

@Suite("The least rate of a transfer") struct DataRateMeterTests {
    private static func limits(
        _ bytesPerSecond: UInt64 = 1000, grace: Delay = .seconds(5), pause: Delay = .seconds(30), total: Delay? = nil
    ) -> DataRateMeter.Limits {
        .init(rate: MinimumDataRate(bytesPerSecond: bytesPerSecond, grace: grace), pause: pause, total: total)
    }

    private static func at(_ milliseconds: UInt64) -> Deadline { Deadline(milliseconds: milliseconds) }

    /// A client that moves `piece` bytes every `interval` milliseconds while it is waited for all the time: when it is
    /// given up, and why; nil when it is still served after `end`.
    private func outcome(
        _ limits: DataRateMeter.Limits, piece: UInt64, every interval: UInt64, until end: UInt64,
        readingEach: Bool = true
    ) -> (at: UInt64, verdict: DataRateMeter.Verdict)? {
        var meter = DataRateMeter()
        var now: UInt64 = 0
        func moved(_ time: UInt64) -> UInt64 { time / interval * piece }
        while now < end {
            let deadline = meter.wait(from: Self.at(now), within: limits, counting: moved(now)).milliseconds
            let next = readingEach ? (now / interval + 1) * interval : .max
            if next < deadline {
                now = next
                meter.stopWaiting(at: Self.at(now), within: limits)
                continue
            }
            now = max(now, deadline)
            let verdict = meter.judge(at: Self.at(now), within: limits, counting: moved(now))
            guard verdict == .keepsUp else { return (now, verdict) }
        }
        return nil
    }

    @Test func `A client that moves nothing is given up when the grace is over`() throws {
        let end = try #require(outcome(Self.limits(), piece: 0, every: 1000, until: 100_000))
        #expect(end.at == 5000 && end.verdict == .tooSlow)
    }

    @Test func `Where no rate is asked for only the pause counts`() throws {
        let end = try #require(outcome(Self.limits(0), piece: 0, every: 1000, until: 100_000, readingEach: false))
        #expect(end.at == 30_000 && end.verdict == .stalled)
        let isServed = outcome(Self.limits(0), piece: 1, every: 29_999, until: 10_000_000) == nil
        #expect(isServed)
    }

    @Test(arguments: [true, false]) func `A client at the least rate is served for as long as it takes`(each: Bool) {
        for interval: UInt64 in [1, 10, 100, 1000, 4000] {
            let isServed =
                outcome(Self.limits(), piece: interval, every: interval, until: 300_000, readingEach: each) == nil
            #expect(isServed, "pieces every \(interval) ms")
        }
    }

    @Test(arguments: [true, false]) func `A client below the least rate is found out, in whatever pieces`(each: Bool)
        throws
    {
        for interval: UInt64 in [10, 100, 1000, 4000] {
            let end = try #require(
                outcome(Self.limits(), piece: interval / 2, every: interval, until: 300_000, readingEach: each),
                "pieces every \(interval) ms")
            #expect(
                end.verdict == .tooSlow && (5000..<20_000).contains(end.at), "\(end) for pieces every \(interval) ms")
        }
    }

    @Test func `A client that was fast may pause as long as the timeout says, but not save up more`() {
        let limits = Self.limits()
        var meter = DataRateMeter()
        _ = meter.wait(from: Self.at(0), within: limits, counting: 0)
        // A megabyte at once, which at the least rate would be a quarter of an hour.
        #expect(meter.judge(at: Self.at(1000), within: limits, counting: 1 << 20) == .keepsUp)
        meter.stopWaiting(at: Self.at(1000), within: limits)
        _ = meter.wait(from: Self.at(1000), within: limits)
        #expect(meter.judge(at: Self.at(30_999), within: limits, counting: 1 << 20) == .keepsUp)
        // One byte at the end of each pause is no transfer.
        meter.stopWaiting(at: Self.at(30_999), within: limits)
        _ = meter.wait(from: Self.at(30_999), within: limits)
        #expect(meter.judge(at: Self.at(31_001), within: limits, counting: 1 << 20 + 1) == .tooSlow)
    }

    @Test func `Time in which nobody waits for the client does not count`() {
        let limits = Self.limits()
        var meter = DataRateMeter()
        _ = meter.wait(from: Self.at(0), within: limits, counting: 0)
        meter.stopWaiting(at: Self.at(4000), within: limits)
        #expect(meter.wait(from: Self.at(1_000_000), within: limits) == Self.at(1_001_000))
    }

    @Test func `A wait that is under way is not begun anew`() {
        let limits = Self.limits()
        var meter = DataRateMeter()
        let first = meter.wait(from: Self.at(0), within: limits, counting: 0)
        #expect(meter.wait(from: Self.at(4000), within: limits) == first)
    }

    @Test func `Bytes that arrive in the middle of a record are seen, and lengthen the pause`() {
        let limits = Self.limits(100, grace: .seconds(1), pause: .seconds(4))
        var meter = DataRateMeter()
        _ = meter.wait(from: Self.at(0), within: limits, counting: 0)
        #expect(meter.judge(at: Self.at(1000), within: limits, counting: 400) == .keepsUp)
        #expect(meter.judge(at: Self.at(3900), within: limits, counting: 800) == .keepsUp)
        #expect(meter.judge(at: Self.at(7800), within: limits, counting: 1200) == .keepsUp)
        #expect(meter.judge(at: Self.at(11_900), within: limits, counting: 1200) == .stalled)
    }

    @Test func `The whole has its end however well the client keeps up`() throws {
        let limits = Self.limits(total: .seconds(60))
        let end = try #require(outcome(limits, piece: 10_000, every: 100, until: 100_000))
        #expect(end.at == 60_000 && end.verdict == .overdue)
    }

    @Test func `Without the system's count only pauses and the whole are judged`() {
        let limits = Self.limits(total: .seconds(60))
        var meter = DataRateMeter()
        #expect(meter.wait(from: Self.at(0), within: limits, counting: nil) == Self.at(30_000))
        #expect(meter.judge(at: Self.at(10_000), within: limits, counting: nil) == .keepsUp)
        #expect(meter.judge(at: Self.at(30_000), within: limits, counting: nil) == .stalled)
        #expect(meter.judge(at: Self.at(60_000), within: limits, counting: nil) == .overdue)
    }

    @Test func `Numbers of any size are no overflow`() {
        let limits = Self.limits(.max / 2, grace: .seconds(1 << 40), pause: .seconds(1 << 40))
        var meter = DataRateMeter()
        _ = meter.wait(from: Self.at(0), within: limits, counting: 0)
        _ = meter.judge(at: Self.at(1 << 50), within: limits, counting: .max)
        _ = meter.wait(from: Self.at(1 << 51), within: limits)
        _ = meter.judge(at: Self.at(.max - 1), within: limits, counting: .max)
    }

    @Test func `The time for which a client was waited for is that of all waits`() {
        var meter = DataRateMeter()
        _ = meter.wait(from: Self.at(100), within: Self.limits())
        #expect(meter.waited(until: Self.at(150)) == 50)
        meter.stopWaiting(at: Self.at(300), within: Self.limits())
        #expect(meter.waited(until: Self.at(1000)) == 200)
        _ = meter.wait(from: Self.at(1000), within: Self.limits())
        #expect(meter.judge(at: Self.at(1100), within: Self.limits(), counting: 500) == .keepsUp)
        #expect(meter.waited(until: Self.at(1150)) == 350)
    }
}
