import Glibc
import Memory
import Testing

@testable import ISAPI

@Suite struct RecyclingTests {
    @Test func withoutRulesNothingIsRecycled() {
        let facts = Recycling.Facts(
            requests: 1 << 40, age: .seconds(1 << 40), isDue: false, privateMemory: 1 << 40, processorShare: 6400)
        #expect(Recycling().reason(facts) == nil)
        #expect(!Recycling().measures)
    }

    @Test func eachRuleHasItsReason() {
        var rules = Recycling()
        rules.requests = 10
        rules.after = .seconds(60)
        rules.privateMemory = 1 << 20
        rules.processorTime = Recycling.ProcessorTime(percent: 50, over: .seconds(1))
        #expect(rules.reason(Recycling.Facts()) == nil)
        #expect(rules.reason(Recycling.Facts(requests: 9, age: .seconds(59), privateMemory: 1 << 20)) == nil)
        #expect(rules.reason(Recycling.Facts(requests: 10)) == .requests)
        #expect(rules.reason(Recycling.Facts(age: .seconds(60))) == .after)
        #expect(rules.reason(Recycling.Facts(isDue: true)) == .schedule)
        #expect(rules.reason(Recycling.Facts(privateMemory: 1 << 20 + 1)) == .privateMemory)
        #expect(rules.reason(Recycling.Facts(processorShare: 50)) == nil)
        #expect(rules.reason(Recycling.Facts(processorShare: 51)) == .processorTime)
    }

    @Test func theNextTimeOfDayIsWithinADayAndNotNow() throws {
        #expect(TimeOfDay.untilNext(of: []) == nil)
        for minute in stride(from: 0, to: 1440, by: 7) {
            let pause = try #require(TimeOfDay.untilNext(of: [minute]))
            // A day with a change of the clocks may have 25 hours.
            #expect(pause > .zero && pause <= .seconds(25 * 3600))
        }
        let all = try #require(TimeOfDay.untilNext(of: Array(0..<1440)))
        #expect(all <= .seconds(60))
    }

    @Test func thisProcessUsesMemoryAndTime() {
        let usage = ProcessUsage(pid: getpid())
        #expect(usage.privateMemory > 1 << 20)
        #expect(ProcessUsage(pid: 1 << 30) == ProcessUsage(pid: -1))
    }

    @Test func everyReasonHasAWordOfItsOwnAndASentence() {
        #expect(Set(EndReason.allCases.map(\.rawValue)).count == EndReason.allCases.count)
        #expect(Set(EndReason.allCases.map(\.text)).count == EndReason.allCases.count)
    }
}

@Suite struct PoolAffinityTests {
    private func cookie(_ name: String, in field: String) -> String? {
        Array(field.utf8).withBytes { field in
            PoolAffinity.cookie(Array(name.utf8), in: field).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test func aCookieIsFoundByItsWholeName() {
        #expect(cookie("id", in: "id=1") == "1")
        #expect(cookie("id", in: "a=2; id=1; b=3") == "1")
        #expect(cookie("id", in: "a=2;id=1") == "1")
        #expect(cookie("id", in: "id=") == "")
        #expect(cookie("id", in: "xid=1; idx=2; id") == nil)
        #expect(cookie("id", in: "") == nil)
        #expect(cookie("id", in: ";; ; ") == nil)
        #expect(cookie("id", in: "id=a=b") == "a=b")
        #expect(cookie("id", in: "id=1; id=2") == "1")
    }

    @Test func everyPrefixOfAFieldIsReadWithinItsBounds() {
        let field = "a=1; id=value; b=2"
        for count in 0...field.utf8.count { _ = cookie("id", in: String(field.prefix(count))) }
    }

    @Test func keysDifferInTheirLowBits() {
        let places = (0..<64).map { number in
            Array("10.0.0.\(number)".utf8).withBytes { PoolAffinity.key(of: $0) % 4 }
        }
        for place in 0..<4 { #expect(places.count { $0 == place } > 6) }
    }
}
