import Testing

@testable import ACME

@Suite("Changes of a shared storage") struct StorageChangesTests {
    @Test func changesBeyondACertainNumberAreAllChanges() {
        var changes = StorageChanges()
        #expect(changes.isEmpty)
        changes.note("certificates/a.json")
        #expect(changes.contains("certificates/a.json"))
        #expect(!changes.contains("certificates/b.json"))
        for number in 0..<5000 { changes.note("certificates/\(number).json") }
        #expect(changes.contains("certificates/b.json"))
    }
}
