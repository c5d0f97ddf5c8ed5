import Logging
import Testing

@testable import Gateway

@Suite("Lines that repeat") struct RepeatTableTests {
    private static let interval: UInt64 = 10_000

    private func admits(
        _ table: inout RepeatTable, _ message: String, at now: UInt64, level: Logger.Level = .error
    ) -> Bool {
        table.admits(message, level, interval: Self.interval, at: now)
    }

    @Test func `A line is written once in an interval and then counted`() {
        var table = RepeatTable()
        #expect(admits(&table, "a", at: 0))
        #expect(table.nextDue(interval: Self.interval) == nil)
        for time: UInt64 in [1, 2, 9_999] { #expect(!admits(&table, "a", at: time)) }
        #expect(table.nextDue(interval: Self.interval) == 10_000)
        #expect(table.takeDue(interval: Self.interval, at: 9_999).isEmpty)
        #expect(table.takeDue(interval: Self.interval, at: 10_000).map(\.count) == [3])
        #expect(table.nextDue(interval: Self.interval) == nil)
    }

    @Test func `A line that goes on has one count in each interval`() {
        var table = RepeatTable()
        #expect(admits(&table, "a", at: 0))
        #expect(!admits(&table, "a", at: 5_000))
        _ = table.takeDue(interval: Self.interval, at: 10_000)
        #expect(!admits(&table, "a", at: 15_000))
        #expect(table.takeDue(interval: Self.interval, at: 20_000).map(\.count) == [1])
        #expect(admits(&table, "a", at: 30_000))
    }

    @Test func `Lines of another text or level are others`() {
        var table = RepeatTable()
        #expect(admits(&table, "a", at: 0))
        #expect(admits(&table, "b", at: 0))
        #expect(admits(&table, "a", at: 0, level: .warning))
    }

    @Test func `A count that is due is not lost when the line comes first`() {
        var table = RepeatTable()
        #expect(admits(&table, "a", at: 0))
        #expect(!admits(&table, "a", at: 1))
        #expect(!admits(&table, "a", at: 20_000))
        #expect(table.takeDue(interval: Self.interval, at: 20_000).map(\.count) == [2])
    }

    @Test func `Summaries come in the order of their lines`() {
        var table = RepeatTable()
        for (time, message) in ["c", "a", "b"].enumerated() {
            #expect(admits(&table, message, at: UInt64(time)))
            #expect(!admits(&table, message, at: UInt64(time)))
        }
        #expect(table.takeDue(interval: Self.interval, at: 20_000).map(\.message) == ["c", "a", "b"])
    }

    @Test func `Beyond its limits every line is written`() {
        var table = RepeatTable()
        for number in 0..<RepeatTable.lineLimit { #expect(admits(&table, "\(number)", at: 0)) }
        for _ in 0..<2 { #expect(admits(&table, "another", at: 1)) }
        // Old lines make room.
        #expect(admits(&table, "another", at: 10_000))
        #expect(!admits(&table, "another", at: 10_001))
        let long = String(repeating: "x", count: RepeatTable.messageLimit + 1)
        for _ in 0..<2 { #expect(admits(&table, long, at: 10_001)) }
    }
}
