import Testing

@testable import Proxy

struct ForwardedTargetTests {
    @Test(
        "Dot segments are found however they are spelled",
        arguments: ["/.", "/..", "/a/./b", "/a/../b", "/%2e", "/.%2E/x", "/a%2F..%2fb", "/%2e%2e"])
    func findsDotSegments(path: String) {
        #expect(hasDots(path))
    }

    @Test(
        "Dots in names are not segments",
        arguments: ["/", "/a.b", "/.well-known/x", "/...", "/a/..b", "/a%2Fb", "/%41", "/a%"])
    func leavesNames(path: String) {
        #expect(!hasDots(path))
    }

    @Test(
        "Empty segments are found where they count, however their slashes are spelled",
        arguments: [
            ("//", true), ("//a", true), ("/a//b", true), ("/a/%2Fb", true), ("/%2fa", true), ("/a%2F%2fb", true),
            ("/a//", true), ("/", false), ("/a/", false), ("/a%2F", false), ("/a/b", false), ("/a%2Fb", false),
        ] as [(String, Bool)])
    func findsEmptySegments(path: String, expected: Bool) {
        #expect(hasDots(path, orEmpty: true) == expected)
        #expect(!hasDots(path))
    }

    @Test("A prefix is taken away as whole segments only")
    func takesWholeSegments() {
        #expect(remainder("/api/x", "/api") == "/x")
        #expect(remainder("/api", "/api") == "")
        #expect(remainder("/apix", "/api") == nil)
        #expect(remainder("/other", "/api") == nil)
        #expect(remainder("/x", "") == "/x")
    }

    private func hasDots(_ path: String, orEmpty: Bool = false) -> Bool {
        Array(path.utf8).withBytes { ForwardedTarget.hasDotSegments($0, orEmpty: orEmpty) }
    }

    private func remainder(_ path: String, _ prefix: String) -> String? {
        Array(path.utf8).withBytes { bytes in
            ForwardedTarget.remainder(of: bytes, behind: Array(prefix.utf8)).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
    }
}
