import Testing

@testable import HTTP

@Suite("Cookies") struct CookieSyntaxTests {
    @Test(arguments: [
        ("a=1", "1"), ("b=2; a=1", "1"), ("b=2;a=1;c=3", "1"), ("a=\"1 2\"", "1 2"), ("a=", ""), ("a=1=2", "1=2"),
        ("A=1", nil), ("aa=1", nil), ("b=a=1", nil), ("", nil), ("a", nil), (";;", nil), ("a=1; a=2", "1"),
        ("x=\"; a=1", "1"), ("a=\"", "\""),
    ]) func `The first cookie of a name is found`(_ field: String, _ value: String?) {
        let bytes = Array(field.utf8)
        let range = unsafe CookieSyntax.value(of: Array("a".utf8), in: bytes.span.bytes)
        #expect(range.map { String(decoding: bytes[$0], as: UTF8.self) } == value)
    }
}
