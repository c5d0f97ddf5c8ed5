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

    @Test("A prefix is taken away as whole segments only")
    func takesWholeSegments() {
        #expect(remainder("/api/x", "/api") == "/x")
        #expect(remainder("/api", "/api") == "")
        #expect(remainder("/apix", "/api") == nil)
        #expect(remainder("/other", "/api") == nil)
        #expect(remainder("/x", "") == "/x")
    }

    private func hasDots(_ path: String) -> Bool {
        unsafe Array(path.utf8).withUnsafeBytes { unsafe ForwardedTarget.hasDotSegments($0) }
    }

    private func remainder(_ path: String, _ prefix: String) -> String? {
        unsafe Array(path.utf8).withUnsafeBytes { bytes in
            unsafe ForwardedTarget.remainder(of: bytes, behind: Array(prefix.utf8)).map {
                unsafe String(decoding: $0, as: UTF8.self)
            }
        }
    }
}
