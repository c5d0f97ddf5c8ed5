import Testing

@testable import StaticFiles

@Suite("Names of files")
struct FileNamePolicyTests {
    private func admits(_ path: String, hidden: Bool = false) -> Bool {
        withBytes(path) { FileNamePolicy(servesHidden: hidden).admits($0) }
    }

    @Test(
        "Ordinary names are looked up",
        arguments: ["", "a", "a.html", "a/b/c", "a b", "a..b", ".well-known/acme/x", "~a"])
    func admitsNames(path: String) {
        #expect(admits(path))
    }

    @Test(
        "Hidden files and what editors leave behind are not",
        arguments: [
            ".git", ".htpasswd", "a/.env", ".a/b", "a/.well-known/x", "index.php~", "a.bak", "A.BAK", "b.swp", "x.orig",
            "#x#", "a/b.old", "c.save", "d.tmp", "...",
        ])
    func hides(path: String) {
        #expect(!admits(path))
        #expect(admits(path, hidden: true))
    }

    @Test("Empty segments give a file many names and are refused", arguments: ["/a", "a//b", "a/b//c", "//"])
    func refusesEmptySegments(path: String) {
        #expect(!admits(path, hidden: true))
    }
}
