import Glibc
import Synchronization
import Testing

@testable import Transport

@Suite("Loop tenure")
struct LoopTenureTests {
    @Test("Without a relief nothing can be lent")
    func needsARelief() {
        #expect(!LoopTenure().canLend)
    }

    @Test("Work that ends in time leaves the loop where it is")
    func keepsTheLoop() {
        let tenure = LoopTenure()
        let relief = Relief(tenure)
        tenure.begin()
        var runs = 0
        for _ in 0..<10_000 { #expect(tenure.lend { runs += 1 }) }
        #expect(runs == 10_000)
        tenure.end()
        #expect(!relief.outcome())
    }

    @Test("Work that blocks loses the loop to the relief", arguments: [0, 400])
    func losesTheLoop(quietMilliseconds: UInt32) {
        let tenure = LoopTenure()
        let relief = Relief(tenure)
        tenure.begin()
        // After a while without lending, the relief has to be woken first.
        usleep(quietMilliseconds * 1000)
        let isOurs = tenure.lend { #expect(relief.outcome()) }
        #expect(!isOurs)
    }

    @Test("Work that computes is given more time, and then loses the loop too")
    func losesTheLoopToLongWork() {
        let tenure = LoopTenure()
        let relief = Relief(tenure)
        tenure.begin()
        let isOurs = tenure.lend {
            while !relief.isBack {}
        }
        #expect(!isOurs)
        #expect(relief.outcome())
    }

    @Test("The end of the loop sends its relief home")
    func endsTheRelief() {
        let tenure = LoopTenure()
        let relief = Relief(tenure)
        tenure.begin()
        tenure.end()
        #expect(!relief.outcome())
    }
}

/// A thread that stands by, and what came of it.
@safe
private final class Relief: @unchecked Sendable {
    private let tenure: LoopTenure
    private let hasTaken = Atomic(false)
    private let hasReturned = Atomic(false)
    private var thread = pthread_t()

    init(_ tenure: LoopTenure) {
        self.tenure = tenure
        let reference = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { reference in
                unsafe Unmanaged<Relief>.fromOpaque(reference!).takeRetainedValue().standBy()
                return nil
            }, reference)
        precondition(status == 0)
        while !tenure.canLend { sched_yield() }
    }

    private func standBy() {
        hasTaken.store(tenure.standBy(), ordering: .relaxed)
        hasReturned.store(true, ordering: .releasing)
    }

    var isBack: Bool { hasReturned.load(ordering: .acquiring) }

    /// Waits until the relief is back; whether it took the loop over. Called once.
    func outcome() -> Bool {
        pthread_join(thread, nil)
        return hasTaken.load(ordering: .relaxed)
    }
}
