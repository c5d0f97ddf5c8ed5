import Testing

@testable import Compression

@Suite("Media types to compress")
struct MediaTypePatternsTests {
    @Test(
        "Types match by pattern, without case or parameters",
        arguments: [
            ("text/html", true), ("TEXT/HTML;charset=utf-8", true), ("text/event-stream", true), ("text/", true),
            ("application/json", true), ("application/json ; a=b", true), ("application/jsonp", false),
            ("application/problem+json", true), ("application/+json", true), ("application/problem+jso", false),
            ("image/svg+xml", true), ("image/png", false), ("", false), (";", false), ("texthtml", false),
        ])
    func matches(_ type: String, _ expected: Bool) {
        let types = MediaTypePatterns.compressible
        #expect(Array(type.utf8).withBytes { types.contains($0) } == expected)
    }
}
