import Testing

@testable import HTTP

@Suite("Request body")
struct RequestBodyTests {
    @Test("A request without a body has ended with its head", arguments: [BodyFraming.none, .length(0)])
    func isEmpty(framing: BodyFraming) throws {
        var body = RequestBody(head(framing))
        #expect(body.hasEnded)
        #expect(body.remaining == 0)
        #expect(try read(&body, "GET /") == .ended(consumed: 0))
    }

    @Test("A body of known length is taken as it comes and leaves the next request alone")
    func takesLength() throws {
        var body = RequestBody(head(.length(5)))
        #expect(try read(&body, "") == .receive(consumed: 0))
        #expect(try read(&body, "He") == .content(0..<2, consumed: 2))
        #expect(body.remaining == 3)
        #expect(try read(&body, "lloGET /") == .content(0..<3, consumed: 3))
        #expect(body.hasEnded)
        #expect(try read(&body, "GET /") == .ended(consumed: 0))
    }

    @Test("A chunked body ends where its coding says")
    func takesChunks() throws {
        var body = RequestBody(head(.chunked))
        #expect(body.remaining == nil)
        #expect(try read(&body, "2\r\nHe\r\n0\r\n\r\nGET /") == .content(3..<5, consumed: 5))
        #expect(try read(&body, "\r\n0\r\n\r\nGET /") == .ended(consumed: 7))
        #expect(body.hasEnded)
    }

    @Test("A chunked body is refused at the byte that goes beyond the limit")
    func limitsChunks() throws {
        var body = RequestBody(head(.chunked))
        #expect(try read(&body, "2\r\nHe\r\n", limit: 3) == .content(3..<5, consumed: 5))
        #expect(throws: RequestRejection.bodyTooLarge) { try read(&body, "\r\n2\r\nll\r\n", limit: 3) }
    }

    @Test(
        "A chunk that leads beyond the limit is refused by its size", arguments: ["4", "fffffffffffffff", "00004;x=y"])
    func refusesBySize(size: String) throws {
        var body = RequestBody(head(.chunked))
        #expect(throws: RequestRejection.bodyTooLarge) { try read(&body, "\(size)\r\n", limit: 3) }
        body = RequestBody(head(.chunked))
        #expect(throws: RequestRejection.bodyTooLarge) { try read(&body, "\(size)\r\nH", limit: 3) }
        body = RequestBody(head(.chunked))
        #expect(try read(&body, "2\r\nHe\r\n", limit: 5) == .content(3..<5, consumed: 5))
        #expect(throws: RequestRejection.bodyTooLarge) { try read(&body, "\r\n\(size)\r\n", limit: 5) }
    }

    @Test("A chunked body may be as large as the limit")
    func reachesLimit() throws {
        var body = RequestBody(head(.chunked))
        #expect(try read(&body, "3\r\nHel\r\n0\r\n\r\n", limit: 3) == .content(3..<6, consumed: 6))
        #expect(try read(&body, "\r\n0\r\n\r\n", limit: 3) == .ended(consumed: 7))
    }

    @Test("100 (Continue) is owed once, and only where a body follows")
    func expectsContinue() {
        var body = RequestBody(head(.length(5), expectsContinue: true))
        #expect(body.expectsContinue)
        body.continueSent()
        #expect(!body.expectsContinue)
        #expect(!RequestBody(head(.length(0), expectsContinue: true)).expectsContinue)
    }

    private func head(_ framing: BodyFraming, expectsContinue: Bool = false) -> RequestHead {
        var head = RequestHead()
        head.framing = framing
        head.expectsContinue = expectsContinue
        return head
    }

    private func read(
        _ body: inout RequestBody, _ text: String, limit: UInt64 = .max
    ) throws(RequestRejection) -> RequestBody.Step {
        unsafe try body.next(bytes(text).span.bytes, limit: limit)
    }
}
