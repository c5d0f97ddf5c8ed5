import Synchronization
import Testing

@testable import Transport

@Suite("Job ring")
struct JobRingTests {
    @Test("Jobs come out in the order they went in, over growth and wrap-around", arguments: [0, 1, 200, 255, 256])
    func keepsOrder(head start: Int) {
        let bench = JobBench(count: start + 1500)
        var ring = JobRing()
        for _ in 0..<start { ring.append(bench.take()) }
        for _ in 0..<start { bench.run(ring.popFirst()) }
        let isEmpty = ring.isEmpty
        #expect(isEmpty)
        for round in 0..<3 {
            for _ in 0..<500 { ring.append(bench.take()) }
            for _ in 0..<(round * 250) { bench.run(ring.popFirst()) }
        }
        while !ring.isEmpty { bench.run(ring.popFirst()) }
        #expect(bench.order == Array(0..<start + 1500))
    }

    @Test("An empty ring gives nothing")
    func isEmpty() {
        var ring = JobRing()
        let isEmpty = ring.isEmpty
        #expect(isEmpty)
        let job = ring.popFirst()
        #expect(job == nil)
    }
}

/// Numbered jobs that wait until they are run by hand.
private final class JobBench: TaskExecutor {
    private let waiting = Mutex<[UnownedJob]>([])
    private let finished = Mutex<[Int]>([])

    init(count: Int) {
        for number in 0..<count {
            Task(executorPreference: self) { self.finished.withLock { $0.append(number) } }
        }
    }

    var order: [Int] { finished.withLock { $0 } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        waiting.withLock { $0.append(job) }
    }

    func take() -> UnownedJob {
        waiting.withLock { $0.removeFirst() }
    }

    func run(_ job: UnownedJob?) {
        unsafe job?.runSynchronously(on: asUnownedTaskExecutor())
    }
}
