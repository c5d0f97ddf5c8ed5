import Testing

@testable import Gateway

@Suite("Extension cycle") struct ExtensionCycleTests {
    @Test func `The first request loads, and those behind it wait`() {
        var cycle = ExtensionCycle<Int>()
        #expect(cycle.wanted() == .load)
        #expect(cycle.wanted() == .nothing)
        #expect(cycle.serving == nil)
        #expect(cycle.loaded(1) == .serve(1))
        #expect(cycle.serving == 1)
    }

    @Test func `A request that missed the news is told again`() {
        var cycle = serving(1)
        #expect(cycle.wanted() == .serve(1))
    }

    @Test func `A failure refuses, and the next request tries again`() {
        var cycle = ExtensionCycle<Int>()
        #expect(cycle.wanted() == .load)
        #expect(cycle.failed() == .refuse)
        #expect(cycle.hasFailed)
        #expect(cycle.wanted() == .load)
        #expect(!cycle.hasFailed)
    }

    @Test func `During the pause after a failure a request is refused, not loaded again`() {
        var cycle = ExtensionCycle<Int>()
        _ = cycle.wanted()
        _ = cycle.failed()
        #expect(cycle.wanted(isRetryDue: false) == .refuse)
        #expect(cycle.hasFailed)
        #expect(cycle.wanted(isRetryDue: true) == .load)
    }

    @Test func `An instance that is not used is withdrawn and let go of`() {
        var cycle = serving(1)
        #expect(cycle.idle(1) == .withdraw(1))
        #expect(cycle.serving == nil)
        #expect(cycle.dropped() == .nothing)
        #expect(cycle.wanted() == .load)
    }

    @Test func `A withdrawn instance may be kept`() {
        var cycle = serving(1)
        #expect(cycle.idle(1) == .withdraw(1))
        #expect(cycle.wanted() == .nothing)
        #expect(cycle.kept() == .serve(1))
        #expect(cycle.serving == 1)
    }

    @Test func `A request that comes while the instance is let go of has it loaded anew`() {
        var cycle = serving(1)
        #expect(cycle.idle(1) == .withdraw(1))
        #expect(cycle.wanted() == .nothing)
        #expect(cycle.dropped() == .load)
        #expect(cycle.loaded(2) == .serve(2))
    }

    @Test func `An instance serves until its replacement is loaded`() {
        var cycle = serving(1)
        #expect(cycle.replace(1) == .load)
        #expect(cycle.serving == 1)
        #expect(cycle.replace(1) == .nothing)
        #expect(cycle.idle(1) == .nothing)
        #expect(cycle.loaded(2) == .serve(2))
        #expect(cycle.serving == 2)
    }

    @Test func `An instance whose replacement fails goes on`() {
        var cycle = serving(1)
        #expect(cycle.replace(1) == .load)
        #expect(cycle.failed() == .nothing)
        #expect(cycle.serving == 1)
        #expect(!cycle.hasFailed)
    }

    @Test func `Only the instance in use is replaced or withdrawn`() {
        var cycle = serving(2)
        #expect(cycle.replace(1) == .nothing)
        #expect(cycle.idle(1) == .nothing)
        #expect(cycle.serving == 2)
    }

    private func serving(_ instance: Int) -> ExtensionCycle<Int> {
        var cycle = ExtensionCycle<Int>()
        _ = cycle.wanted()
        _ = cycle.loaded(instance)
        return cycle
    }
}
