import Memory
import Testing

@testable import ISAPI

@Suite struct ExtensionResponseHeadTests {
    struct Parsed {
        var head: ExtensionResponseHead
        var reason: String
        var fields: String
        var bodyStart: Int
    }

    func parse(_ status: String, _ block: String = "") -> Parsed? {
        var text = ByteBuffer()
        let status = Array(status.utf8)
        let block = Array(block.utf8)
        guard let parsed = ExtensionResponseHead.parse(status: status.span, block: block.span, into: &text) else {
            return nil
        }
        let split = parsed.head.reasonCount
        return Parsed(
            head: parsed.head, reason: String(decoding: text.slice(0..<split), as: UTF8.self),
            fields: String(decoding: text.slice(split..<text.count), as: UTF8.self), bodyStart: parsed.bodyStart)
    }

    @Test(arguments: [
        ("", 200, ""), ("200 OK", 200, "OK"), ("200", 200, ""), ("200OK", 200, "OK"),
        ("404 Not Found", 404, "Not Found"),
        ("HTTP/1.1 201 Created", 201, "Created"), ("HTTP/1.0 503", 503, ""), ("200 OK\r\n", 200, "OK"),
        ("nonsense", 200, ""), ("2000", 200, ""), ("999 Odd", 200, ""), ("20", 200, ""),
    ])
    func everyFormOfAStatusIsUnderstood(_ status: String, code: Int, reason: String) {
        let parsed = parse(status)
        #expect(parsed?.head.status == code)
        #expect(parsed?.reason == reason)
    }

    @Test func anInterimStatusIsNoResponse() {
        #expect(parse("100 Continue") == nil)
    }

    @Test func aConnectionFieldInThePlaceOfTheStatusMeansTwoHundred() {
        let parsed = parse("Connection:Keep-Alive", "Content-type: test/html\r\n\r\n")
        #expect(parsed?.head.status == 200)
        #expect(parsed?.fields == "Content-type: test/html\r\n")
        #expect(parsed?.head.closesConnection == false)
        #expect(parsed?.head.flaws == [])
    }

    @Test func aStatusLineAtTheStartOfTheBlockIsTheStatus() {
        let parsed = parse("", "HTTP/1.1 404 Gone\r\nA: b\r\n\r\n")
        #expect(parsed?.head.status == 404)
        #expect(parsed?.fields == "A: b\r\n")
    }

    @Test(arguments: [
        "A: b\r\nC: d\r\n\r\n", "A: b\nC: d\n\n", "A: b\r\nC: d", "A: b\r\nC: d\r\n", "A:b\r\nC:\td \r\n\r\n",
    ])
    func lineEndsAndWhiteSpaceAreNormalised(_ block: String) {
        #expect(parse("200 OK", block)?.fields == "A: b\r\nC: d\r\n")
    }

    @Test(arguments: ["A : b\r\nC: d\r\n\r\n", "A\t: b\nC  \t :d\n\n", "A :b\r\nC :d"])
    func whiteSpaceBeforeTheColonIsTakenAway(_ block: String) {
        let parsed = parse("200 OK", block)
        #expect(parsed?.fields == "A: b\r\nC: d\r\n")
        #expect(parsed?.head.flaws == [])
    }

    @Test func whiteSpaceBeforeTheColonDoesNotHideWhatTheGatewayWritesItself() {
        let parsed = parse("Content-Length : 5", "Connection : close\r\nTransfer-Encoding\t: identity\r\nX : y\r\n\r\n")
        #expect(parsed?.fields == "X: y\r\n")
        #expect(parsed?.head.contentLength == 5)
        #expect(parsed?.head.closesConnection == true)
    }

    @Test func whatFollowsTheEmptyLineIsBody() {
        let block = "A: b\r\n\r\nbody"
        #expect(parse("200 OK", block)?.bodyStart == block.utf8.count - 4)
    }

    @Test(arguments: [
        ("no colon\r\n", ResponseFlaws.missingColon), (": empty\r\n", .invalidFieldName),
        ("a b: c\r\n", .invalidFieldName),
        (" folded: c\r\n", .invalidFieldName), ("A B : c\r\n", .invalidFieldName), (" : c\r\n", .invalidFieldName),
        ("A : b\u{0}c\r\n", .controlByte), ("A: b\rX: y\r\n", .controlByte),
        ("A: b\u{0}c\r\n", .controlByte), ("Content-Length: x\r\n", .invalidLength),
        ("Content-Length: -1\r\n", .invalidLength), ("Content-Length: 99999999999999999999\r\n", .invalidLength),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", .conflictingLength),
    ])
    func anInvalidLineIsLeftOutAndNamed(_ line: String, flaw: ResponseFlaws) {
        let parsed = parse("200 OK", line + "Good: line\r\n\r\n")
        #expect(parsed?.fields == "Good: line\r\n")
        #expect(parsed?.head.flaws == flaw)
        #expect(parsed?.head.contentLength == nil)
    }

    @Test func aControlByteInTheReasonTakesTheStandardPhrase() {
        let parsed = parse("200 a\r\nSet-Cookie: b")
        #expect(parsed?.reason == "")
        #expect(parsed?.fields == "")
        #expect(parsed?.head.flaws == .controlByte)
    }

    @Test(arguments: [
        "Connection: keep-alive\r\n", "Keep-Alive: timeout=5\r\n", "Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\n", "Date: today\r\n", "Server: other\r\n", "Proxy-Connection: close\r\n",
        "Upgrade: h2c\r\n", "Trailer: X\r\n",
    ])
    func fieldsOfTheConnectionAreNotForwarded(_ line: String) {
        #expect(parse("200 OK", line)?.fields == "")
    }

    @Test func aNameHasOnlyTokenBytes() {
        let letters = "abcdefghijklmnopqrstuvwxyz"
        let token = Set((letters + letters.uppercased() + "0123456789!#$%&'*+-.^_`|~").utf8)
        for byte in UInt8.min..<0x80 where byte != UInt8(ascii: ":") && byte != UInt8(ascii: "\n") {
            let line = "x\(Character(UnicodeScalar(byte)))y: 1\r\n"
            #expect(parse("200 OK", line)?.fields == (token.contains(byte) ? line : ""))
        }
        #expect(parse("200 OK", "x\u{E9}y: 1\r\n")?.fields == "")
    }

    @Test func theFramingIsTakenFromTheFields() {
        #expect(parse("", "content-length: 5\r\n")?.head.contentLength == 5)
        #expect(parse("", "Content-Length: 5\r\nContent-Length: 5\r\n")?.head.contentLength == 5)
        #expect(parse("", "Connection: x, Close\r\n")?.head.closesConnection == true)
        let chunked = parse("", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")
        #expect(chunked?.head.framesItself == true)
        #expect(chunked?.head.contentLength == nil)
    }
}

@Suite struct ResponseAssemblyTests {
    /// The status, the field lines and the body that result from these writes.
    func assemble(_ writes: [String]) -> (status: Int, fields: String, body: String) {
        var assembly = ResponseAssembly()
        for piece in writes {
            let bytes = Array(piece.utf8)
            bytes.withBytes { assembly.write($0) }
        }
        assembly.finish()
        let (head, body) = assembly.take()
        return (
            head?.status ?? 0, String(decoding: assembly.fields, as: UTF8.self), String(decoding: body, as: UTF8.self)
        )
    }

    @Test func aRawHeadIsRecognisedHoweverItIsSplit() {
        let text = "HTTP/1.1 202 Fine\r\nA: b\r\n\r\nbody"
        for split in text.utf8.indices {
            let pieces = [String(text[..<split]), String(text[split...])]
            let (status, fields, body) = assemble(pieces)
            #expect(status == 202)
            #expect(fields == "A: b\r\n")
            #expect(body == "body")
        }
    }

    @Test func aRawHeadWithoutItsEmptyLineIsStillAHead() {
        let (status, _, body) = assemble(["HTTP/1.1 200\r\n"])
        #expect(status == 200)
        #expect(body == "")
    }

    @Test(arguments: ["<p>text</p>", "H", "HTTP", "HTTP/2 200\r\n\r\n", "\u{0}\u{1}"])
    func anythingElseIsABodyOfHTML(_ text: String) {
        let (status, fields, body) = assemble([text])
        #expect(status == 200)
        #expect(fields == "Content-Type: text/html\r\n")
        #expect(body == text)
    }

    @Test func thereIsOneHead() {
        var assembly = ResponseAssembly()
        let empty = ByteView()
        let first = assembly.setHead(status: empty, block: empty)
        let second = assembly.setHead(status: empty, block: empty)
        #expect(first)
        #expect(!second)
    }
}
