import Testing

@testable import Proxy

struct RetryBudgetTests {
    @Test func `the reserve is spent first, then a share of all requests`() {
        var budget = RetryBudget(share: 20)
        #expect(grants(11, of: &budget) == 10)
        for _ in 0..<4 { budget.noteRequest() }
        #expect(grants(1, of: &budget) == 0)
        budget.noteRequest()
        #expect(grants(2, of: &budget) == 1)
    }

    @Test func `no share means no retry`() {
        var budget = RetryBudget(share: 0)
        for _ in 0..<1000 { budget.noteRequest() }
        #expect(grants(1, of: &budget) == 0)
    }

    @Test func `a share of all requests has no end`() {
        var budget = RetryBudget(share: 100)
        #expect(grants(1000, of: &budget) == 1000)
    }

    /// How many of `count` retries are granted.
    private func grants(_ count: Int, of budget: inout RetryBudget) -> Int {
        var granted = 0
        for _ in 0..<count where budget.spend() { granted += 1 }
        return granted
    }
}
