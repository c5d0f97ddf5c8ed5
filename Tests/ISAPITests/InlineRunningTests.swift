import Testing
import Transport

@testable import ISAPI

@Suite("Running on the worker's thread")
struct InlineRunningTests {
    private let begin = Deadline(milliseconds: 1000)
    private var running = InlineRunning()

    @Test("It is allowed until an extension has been slow, and again once the bar is over")
    mutating func barsForAWhile() {
        #expect(running.isAllowed(at: begin))
        running.loopTaken(at: begin, isOtherProcess: false)
        #expect(!running.isAllowed(at: begin.advanced(by: .milliseconds(99))))
        #expect(running.isAllowed(at: begin.advanced(by: .milliseconds(100))))
    }

    @Test("Each bar is twice as long as the one before, up to ten seconds")
    mutating func doublesTheBar() {
        var now = begin
        for milliseconds: UInt64 in [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] {
            running.loopTaken(at: now, isOtherProcess: false)
            #expect(!running.isAllowed(at: now.advanced(by: .milliseconds(milliseconds - 1))))
            now = now.advanced(by: .milliseconds(milliseconds))
            #expect(running.isAllowed(at: now))
        }
    }

    @Test("One slow request is forgiven, several close together are not")
    mutating func countsStrikes() {
        for _ in 0..<3 { running.ran(for: InlineRunning.limit + 1, at: begin) }
        #expect(running.isAllowed(at: begin))
        running.ran(for: InlineRunning.limit + 1, at: begin)
        #expect(!running.isAllowed(at: begin))
    }

    @Test("Requests in time make up for slow ones")
    mutating func forgives() {
        for _ in 0..<10 {
            running.ran(for: InlineRunning.limit + 1, at: begin)
            for _ in 0..<256 { running.ran(for: 1000, at: begin) }
        }
        #expect(running.isAllowed(at: begin))
    }

    @Test("After many requests in time the bar is short again")
    mutating func forgets() {
        running.loopTaken(at: begin, isOtherProcess: false)
        running.loopTaken(at: begin, isOtherProcess: false)
        for _ in 0..<10_000 { running.ran(for: 1000, at: begin) }
        let later = begin.advanced(by: .seconds(1))
        running.loopTaken(at: later, isOtherProcess: false)
        #expect(running.isAllowed(at: later.advanced(by: .milliseconds(100))))
    }

    @Test("Another process may have waited for a processor: one delay of it bars nothing, several do")
    mutating func forgivesOtherProcesses() {
        for _ in 0..<3 { running.loopTaken(at: begin, isOtherProcess: true) }
        #expect(running.isAllowed(at: begin))
        running.loopTaken(at: begin, isOtherProcess: true)
        #expect(!running.isAllowed(at: begin))
    }

    @Test("As many requests run together as take no longer than one may")
    mutating func limitsBatches() {
        #expect(running.batchLimit(atMost: 32) == 32)
        for _ in 0..<100 { running.ran(for: 50_000, at: begin) }
        #expect(running.batchLimit(atMost: 32) == 4)
        for _ in 0..<100 { running.ran(for: InlineRunning.limit * 2, at: begin) }
        #expect(running.batchLimit(atMost: 32) == 1)
    }
}
