import Testing

@testable import ACME

@Suite("Records for dns-persist-01") struct PersistentRecordTests {
    @Test func aNameAndItsWildcardHaveOneRecord() {
        let records = PersistentRecord.records(
            for: ["a.test", "*.a.test", "b.test"], authority: "ca.test", account: "https://ca.test/1")
        #expect(
            records.map(\.line) == [
                #"_validation-persist.a.test. IN TXT "ca.test; accounturi=https://ca.test/1; policy=wildcard""#,
                #"_validation-persist.b.test. IN TXT "ca.test; accounturi=https://ca.test/1""#,
            ])
    }

    @Test func aLongValueIsSeveralStrings() {
        let account = "https://ca.test/" + String(repeating: "x", count: 300)
        let record = PersistentRecord("a.test", authority: "ca.test", account: account, includesWildcards: false)
        let strings = record.line.split(separator: "\"").filter { $0 != " " }.dropFirst()
        #expect(strings.map(\.utf8.count) == [255, record.value.utf8.count - 255])
        #expect(strings.joined() == record.value)
    }
}
