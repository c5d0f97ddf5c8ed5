import Testing

@testable import ACME

@Suite("Records that are published for dns-01") struct PublishedRecordsTests {
    private func record(_ value: String = "v", owner: String = "a", domain: String = "a.test")
        -> PublishedRecords.Record
    {
        PublishedRecords.Record(owner: owner, issuer: "le", domain: domain, value: value)
    }

    @Test func aRecordIsRemovedWhenItsOrderIsOver() throws {
        var records = PublishedRecords()
        #expect(try records.begin(record()) == nil)
        #expect(records.next(at: 0) == nil && records.nextRemoval == nil)
        records.notePublished(record(), at: 7)
        #expect(try records.begin(record()) == 7)
        #expect(records.end { $0.owner == "a" } && !records.end { $0.owner == "a" })
        let (found, isShared) = try #require(records.next(at: 0))
        #expect(found.name == "_acme-challenge.a.test" && found.value == "v" && !isShared)
        records.remove(found)
        #expect(records.records.isEmpty)
    }

    @Test func aRecordThatIsNeededAgainStays() throws {
        var records = PublishedRecords()
        _ = try records.begin(record())
        records.end { _ in true }
        #expect(try records.begin(record()) == nil)
        #expect(records.next(at: 0) == nil)
    }

    @Test func aValueOfTwoOrdersIsRemovedWithTheSecond() throws {
        var records = PublishedRecords()
        _ = try records.begin(record(owner: "a"))
        _ = try records.begin(record(owner: "b"))
        records.end { $0.owner == "a" }
        let (first, isShared) = try #require(records.next(at: 0))
        #expect(first.owner == "a" && isShared)
        records.remove(first)
        records.end { _ in true }
        #expect(records.next(at: 0)?.isShared == false)
    }

    @Test func aRemovalThatFailsIsTriedAgainLessAndLessOftenAndNotForEver() throws {
        var records = PublishedRecords()
        _ = try records.begin(record())
        records.end { _ in true }
        var now: Int64 = 0
        var attempts = 0
        while let (failed, _) = records.next(at: now) {
            attempts += 1
            guard records.noteFailure(failed, chance: 1, at: now) else { break }
            #expect(records.next(at: now) == nil)
            now = try #require(records.nextRemoval)
        }
        #expect(attempts == PublishedRecords.attempts)
        #expect((2 * 86_400..<4 * 86_400).contains(now))
        #expect(records.records.isEmpty)
    }

    @Test func theirNumberIsLimited() throws {
        var records = PublishedRecords()
        for number in 0..<PublishedRecords.limit { _ = try records.begin(record("\(number)")) }
        #expect(throws: AcmeError.self) { try records.begin(record("more")) }
        #expect(try records.begin(record("0")) == nil)
    }
}
