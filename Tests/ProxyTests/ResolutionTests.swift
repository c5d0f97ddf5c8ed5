import Testing

@testable import Proxy

@Suite("Resolving names") struct ResolutionTests {
    @Test func `A name is asked for again when its records have run out, within limits`() {
        var schedule = ResolutionSchedule(limits: 1000...300_000)
        let waits = [0, 30, 100_000].map { schedule.succeeded(timeToLive: $0) }
        #expect(waits == [1000, 30_000, 300_000])
    }

    @Test func `After failures a name is asked for less and less often`() {
        var schedule = ResolutionSchedule(limits: 1000...300_000)
        let waits = (0..<7).map { _ in schedule.failed() }
        #expect(waits == [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
        _ = schedule.succeeded(timeToLive: 5)
        let afresh = schedule.failed()
        #expect(afresh == 1000)
    }

    /// Two answers to one question: times of 300 and 60 seconds.
    private static let message: [UInt8] =
        [0, 1, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0] + [1, 0x61, 0, 0, 33, 0, 1]
        + [0xC0, 12, 0, 33, 0, 1, 0, 0, 1, 0x2C, 0, 2, 9, 9] + [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 0]

    @Test func `The shortest time of all answers counts`() {
        #expect(RecordTimes.shortest(Self.message) == 60)
    }

    @Test func `A message that is cut off has no time`() {
        for end in 0..<Self.message.count { #expect(RecordTimes.shortest(Array(Self.message[..<end])) == nil) }
    }
}
