@testable import HTTP

/// Calls `body` with the bytes of a text.
func withBytes<Result>(_ text: String, _ body: (RawSpan) throws -> Result) rethrows -> Result {
    let bytes = Array(text.utf8)
    return unsafe try body(bytes.span.bytes)
}
