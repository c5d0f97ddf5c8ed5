import Testing

@testable import ISAPI

@Suite struct ScriptPathTests {
    @Test(
        arguments: [
            ("/s/a.dll", 8), ("/s/a.dll/", 8), ("/s/a.dll/b.dll", 8), ("/s/sub/a.dll", 12), ("/s/.dll", nil),
            ("/s/a.dllx", nil), ("/s/a.DLL", nil), ("/s/", nil), ("/s/a/.dll/b.dll", 15),
        ] as [(String, Int?)])
    func theScriptIsTheFirstSegmentWithTheEnding(_ path: String, end: Int?) {
        let path = Array(path.utf8)
        let suffix = Array(".dll".utf8)
        #expect(ScriptPath.end(in: path.span, from: 3, suffix: suffix.span) == end)
    }
}
