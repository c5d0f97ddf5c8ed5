import CLinux
import Testing
import TestSupport

@testable import Transport

@Suite("Timer wheel")
struct TimerWheelTests {
    @Test(
        "A deadline fires at its millisecond, whatever its distance",
        arguments: [
            1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262_143, 262_144, 262_145, 16_777_215, 16_777_216,
        ] as [UInt64])
    func firesOnTime(distance: UInt64) throws {
        for start in [0, 1, 63, 64, 4_000_000_123] as [UInt64] {
            let bench = try TimerBench(now: start, entries: 1)
            bench.set(0, to: start + distance)
            #expect(bench.advance(to: start + distance - 1) == [])
            #expect(bench.advance(to: start + distance) == [0])
            #expect(bench.advance(to: start + distance + 100_000) == [])
        }
    }

    @Test("A deadline beyond the reach of the wheel fires on time", arguments: [1, 2, 3, 7] as [UInt64])
    func firesBeyondReach(rounds: UInt64) throws {
        let distance = rounds * (1 << 24) + 12_345
        let bench = try TimerBench(now: 77, entries: 1)
        bench.set(0, to: 77 + distance)
        #expect(bench.advance(to: 77 + distance - 1) == [])
        #expect(bench.advance(to: 77 + distance) == [0])
    }

    @Test("Random deadlines fire as a sorted list says", arguments: 1...20 as ClosedRange<UInt64>)
    func agreesWithSortedList(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let count = 48
        let bench = try TimerBench(now: random.next() >> 24, entries: count)
        var expected = [UInt64?](repeating: nil, count: count)
        for _ in 0..<2000 {
            let entry = Int(random.next() % UInt64(count))
            switch random.next() % 8 {
            case 0:
                bench.remove(entry)
                expected[entry] = nil
            case 1...5:
                let reach: UInt64 = 1 << (random.next() % 26)
                let deadline = bench.now + 1 + random.next() % reach
                bench.set(entry, to: deadline)
                expected[entry] = deadline
            default:
                let now = bench.now + 1 + random.next() % (1 << (random.next() % 22))
                let due = expected.indices.filter { expected[$0].map { $0 <= now } ?? false }
                #expect(bench.advance(to: now).sorted() == due)
                for entry in due { expected[entry] = nil }
            }
        }
    }

    @Test("Turned from examination to examination, the wheel fires each deadline in its own millisecond")
    func firesInOrder() throws {
        var random = SplitMix(state: 99)
        let bench = try TimerBench(now: 5, entries: 48)
        let deadlines = (0..<48).map { _ in 6 + random.next() % 10_000_000 }
        for (entry, deadline) in deadlines.enumerated() { bench.set(entry, to: deadline) }
        var fired = 0
        while let next = bench.nextExamination {
            for entry in bench.advance(to: next) {
                #expect(deadlines[entry] == next)
                fired += 1
            }
        }
        #expect(fired == 48)
    }

    @Test("Moving a deadline later does not touch the wheel")
    func movesLaterForFree() throws {
        let bench = try TimerBench(now: 0, entries: 1)
        bench.set(0, to: 50)
        bench.set(0, to: 5000)
        #expect(bench.nextExamination == 50)
        #expect(bench.advance(to: 4999) == [])
        #expect(bench.advance(to: 5000) == [0])
    }

    @Test("Moving a deadline earlier is heeded")
    func movesEarlier() throws {
        let bench = try TimerBench(now: 0, entries: 1)
        bench.set(0, to: 5000)
        bench.set(0, to: 50)
        #expect(bench.nextExamination == 50)
        #expect(bench.advance(to: 50) == [0])
    }

    @Test("A deadline is shortened and never moved later")
    func shortens() throws {
        let bench = try TimerBench(now: 0, entries: 2)
        for entry in 0..<2 { bench.set(entry, to: 50) }
        bench.shorten(0, to: 20)
        bench.shorten(1, to: 80)
        #expect(bench.advance(to: 20) == [0])
        #expect(bench.advance(to: 50) == [1])
    }

    @Test("A deadline that has passed already fires with the next millisecond")
    func firesPastDeadlines() throws {
        let bench = try TimerBench(now: 1000, entries: 1)
        bench.set(0, to: 3)
        #expect(bench.advance(to: 1001) == [0])
    }

    @Test("A deadline moved to never does not fire")
    func forgetsNever() throws {
        let bench = try TimerBench(now: 0, entries: 1)
        bench.set(0, to: 50)
        bench.set(0, to: .max)
        #expect(bench.advance(to: 100) == [])
        #expect(bench.nextExamination == nil)
    }

    @Test("A removed entry does not fire and leaves its neighbours alone")
    func removes() throws {
        let bench = try TimerBench(now: 0, entries: 3)
        for entry in 0..<3 { bench.set(entry, to: 50) }
        bench.remove(1)
        bench.remove(1)
        #expect(bench.advance(to: 60).sorted() == [0, 2])
    }

    @Test("An empty wheel has nothing to examine")
    func isEmpty() throws {
        let bench = try TimerBench(now: 123, entries: 0)
        #expect(bench.nextExamination == nil)
    }
}

/// A wheel with entries that are known by number.
@safe
private final class TimerBench {
    private var wheel: TimerWheel
    private let worker: Worker
    private let endpoints: [Endpoint]

    init(now: UInt64, entries count: Int) throws {
        wheel = TimerWheel(now: Deadline(milliseconds: now))
        let worker = try Worker(index: 0)
        self.worker = worker
        endpoints = (0..<count).map { _ in Endpoint.open(CLinux_eventfd(), on: worker) }
    }

    deinit {
        for (number, endpoint) in endpoints.enumerated() {
            remove(number)
            endpoint.close()
        }
    }

    var now: UInt64 { wheel.current.milliseconds }

    var nextExamination: UInt64? {
        wheel.nextExamination == .never ? nil : wheel.nextExamination.milliseconds
    }

    func set(_ entry: Int, to deadline: UInt64) {
        wheel.set(endpoints[entry], to: Deadline(milliseconds: deadline))
    }

    func shorten(_ entry: Int, to deadline: UInt64) {
        wheel.shorten(endpoints[entry], to: Deadline(milliseconds: deadline))
    }

    func remove(_ entry: Int) {
        wheel.remove(endpoints[entry])
    }

    /// The numbers of the entries that fire, in their order.
    func advance(to now: UInt64) -> [Int] {
        var fired: [Int] = []
        wheel.advance(to: Deadline(milliseconds: now)) { endpoint in
            fired.append(endpoints.firstIndex { $0 === endpoint }!)
        }
        return fired
    }
}

/// Random numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
