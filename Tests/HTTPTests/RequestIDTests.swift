import Testing

@testable import HTTP

@Suite("Names of requests")
struct RequestIDTests {
    @Test func `A made name is 32 hexadecimal digits`() {
        let id = RequestID.made(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        #expect(id.text == "0123456789abcdeffedcba9876543210")
    }

    @Test func `No two names are the same`() {
        var generator = RequestIDGenerator()
        var names = Set<String>()
        for _ in 0..<1000 { names.insert(generator.makeID().text) }
        #expect(names.count == 1000)
    }

    @Test(arguments: [
        "a", "4bf92f35-77b3-4da6", "Root=1-67891233-abcdef", "a/b+c=:@~_.", String(repeating: "x", count: 128),
    ])
    func `A plain name of a client is taken over`(_ text: String) {
        unsafe #expect(RequestID(text.utf8.span.bytes)?.text == text)
    }

    @Test(arguments: ["", "a b", "a\"b", "a\tb", "é", "{}", "a,b", "a\\b", String(repeating: "x", count: 129)])
    func `Any other name of a client is not`(_ text: String) {
        unsafe #expect(RequestID(text.utf8.span.bytes) == nil)
    }
}
