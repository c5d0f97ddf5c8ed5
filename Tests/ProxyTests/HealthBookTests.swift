import Testing
import Transport

@testable import Proxy

@Suite("Health of servers") struct HealthBookTests {
    private var rules: HealthRules {
        var rules = HealthRules()
        (rules.rise, rules.fall, rules.fails) = (2, 3, 3)
        (rules.within, rules.eject) = (.seconds(10), .seconds(30))
        return rules
    }

    @Test func `A server goes down after as many failed checks in a row as fall says`() {
        var book = HealthBook(["a"], rules: rules)
        let first = [book.checkFailed(0), book.checkFailed(0), book.checkPassed(0)]
        #expect(first == [false, false, false])
        let second = [book.checkFailed(0), book.checkFailed(0), book.isUp(0), book.checkFailed(0)]
        #expect(second == [false, false, true, true])
        #expect(!book.isUp(0))
    }

    @Test func `A server comes back after as many passed checks in a row as rise says`() {
        var book = HealthBook(["a"], rules: rules)
        for _ in 0..<3 { _ = book.checkFailed(0) }
        let changes = [book.checkPassed(0), book.checkFailed(0), book.checkPassed(0), book.checkPassed(0)]
        #expect(changes == [false, false, false, true])
        #expect(book.isUp(0))
    }

    @Test func `Failed requests in a row eject a server for a time`() {
        var book = HealthBook(["a", "b"], rules: rules)
        let ejections = (0...2).map { book.requestFailed(0, at: at($0)) }
        #expect(ejections == [false, false, true])
        #expect(book.ejectedUntil(0) == at(32))
    }

    @Test func `A success in between starts the count anew`() {
        var book = HealthBook(["a", "b"], rules: rules)
        for _ in 0..<2 { _ = book.requestFailed(0, at: at(0)) }
        book.requestSucceeded(0)
        let ejections = [book.requestFailed(0, at: at(1)), book.requestFailed(0, at: at(1))]
        #expect(ejections == [false, false])
    }

    @Test func `Failures that lie too far apart do not count together`() {
        var book = HealthBook(["a", "b"], rules: rules)
        let ejections = [0, 6, 12].map { book.requestFailed(0, at: at($0)) }
        #expect(ejections == [false, false, false])
    }

    @Test func `Every further ejection lasts longer, up to ten times`() {
        var book = HealthBook(["a", "b"], rules: rules)
        var now: UInt64 = 0
        var lengths: [UInt64] = []
        for _ in 0..<12 {
            for _ in 0..<3 { _ = book.requestFailed(0, at: at(now)) }
            let end = book.ejectedUntil(0).milliseconds / 1000
            lengths.append(end - now)
            now = end
        }
        #expect(lengths == [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300])
    }

    @Test func `A server that did well for long enough starts afresh`() {
        var book = HealthBook(["a", "b"], rules: rules)
        for _ in 0..<3 { _ = book.requestFailed(0, at: at(0)) }
        for _ in 0..<3 { _ = book.requestFailed(0, at: at(61)) }
        #expect(book.ejectedUntil(0) == at(91))
    }

    @Test(arguments: [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
    func `At most half of the servers are ejected`(_ servers: Int, _ most: Int) {
        var book = HealthBook((0..<servers).map { "\($0)" }, rules: rules)
        for server in 0..<servers { for _ in 0..<5 { _ = book.requestFailed(server, at: at(0)) } }
        #expect((0..<servers).count { book.ejectedUntil($0) > at(0) } == most)
    }

    @Test func `What is known survives a change of the servers`() {
        var old = HealthBook(["a", "b"], rules: rules)
        for _ in 0..<3 { _ = old.checkFailed(1) }
        var book = HealthBook(["b", "c"], rules: rules)
        book.inherit(from: old)
        #expect([book.isUp(0), book.isUp(1)] == [false, true])
    }

    private func at(_ second: UInt64) -> Deadline { Deadline(milliseconds: second * 1000) }
}
