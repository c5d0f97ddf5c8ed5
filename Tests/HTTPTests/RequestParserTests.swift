import Testing

@testable import HTTP

@Suite("Request parser")
struct RequestParserTests {
    static let validHeads = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a/b?c=d&e HTTP/1.1\r\nHost: example.test:8443\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n\r\n",
        "PUT /x HTTP/1.1\r\nhOST:\t a \t\r\nTransfer-Encoding: Chunked\r\nX-Empty:\r\nX-Blank:   \r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive , close\r\n\r\n",
        "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
        "M-SEARCH http://user-agent.test?q HTTP/1.1\r\nHost: other\r\nX-Tab: a\tb\r\nX-Text: gr\u{FC}n\r\n\r\n",
    ]

    @Test("A valid head is incomplete at every prefix", arguments: validHeads)
    func isIncompleteAtEveryPrefix(head: String) throws {
        let input = bytes(head)
        for end in 0..<input.count {
            #expect(try parse(Array(input[..<end])) == nil)
        }
        #expect(try parse(input) != nil)
    }

    @Test("A valid head reads the same split at any place", arguments: validHeads)
    func isIndependentOfSplits(head: String) throws {
        let input = bytes(head)
        let whole = try parse(input)
        for split in 0..<input.count {
            #expect(try parse(input, pausingAt: [split]) == whole)
        }
        #expect(try parse(input, pausingAt: Array(0..<input.count)) == whole)
    }

    @Test("What follows a head is not looked at", arguments: validHeads)
    func leavesTheRest(head: String) throws {
        let parsed = try #require(try parse(head + "\n\0\r not a request"))
        #expect(parsed.length == head.utf8.count)
    }

    @Test("The parts of a head in origin form are found")
    func findsTheParts() throws {
        let head = try #require(try parse(Self.validHeads[3]))
        #expect(head.method == .post)
        #expect(head.methodToken == "POST")
        #expect(head.target == "/a/b?c=d&e")
        #expect(head.path == "/a/b")
        #expect(head.query == "c=d&e")
        #expect(head.authority == "example.test:8443")
        #expect(head.framing == .length(12))
        #expect(head.expectsContinue)
        #expect(head.fields == ["Host=example.test:8443", "Content-Length=12", "Expect=100-Continue"])
    }

    @Test("White space around a value is trimmed, inside it is kept")
    func trimsValues() throws {
        #expect(
            try parse(Self.validHeads[4])?.fields == ["hOST=a", "Transfer-Encoding=Chunked", "X-Empty=", "X-Blank="])
        #expect(try parse(Self.validHeads[7])?.fields[1] == "X-Tab=a\tb")
    }

    @Test("Every standard method is known by its name, in capitals only")
    func knowsMethods() throws {
        let methods: [(String, HTTP.Method)] = [
            ("GET", .get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
            ("OPTIONS", .options), ("PATCH", .patch), ("TRACE", .trace), ("get", .other), ("PROPFIND", .other),
            ("XXGET", .other), ("VERSION-CONTROL", .other), ("AACONNECT", .other),
        ]
        for (name, method) in methods {
            #expect(try parse("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n")?.method == method)
        }
        #expect(try parse("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")?.method == .connect)
    }

    @Test("The authority of an absolute target stands in for Host")
    func prefersTheAuthorityOfTheTarget() throws {
        let head = try #require(try parse("GET HTTP://b:80/p?q HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(head.form == .absolute)
        #expect(head.authority == "b:80")
        #expect(head.fields == ["Host=b:80"])
        #expect(head.path == "/p")
        #expect(head.query == "q")
    }

    @Test("An absolute target without a path has the path /")
    func fillsInTheEmptyPath() throws {
        #expect(try parse("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n")?.path == "/")
        let head = try #require(try parse("GET https://b?q HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(head.path == "/")
        #expect(head.query == "q")
    }

    @Test("An empty query differs from none")
    func tellsEmptyQueries() throws {
        #expect(try parse("GET /? HTTP/1.1\r\nHost: a\r\n\r\n")?.query == "")
        #expect(try parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n")?.query == nil)
    }

    @Test("A target in authority form has no path")
    func takesAuthorityForm() throws {
        let head = try #require(try parse(Self.validHeads[6]))
        #expect(head.form == .authority)
        #expect(head.authority == "[::1]:443")
        #expect(head.path == "")
    }

    @Test("A higher minor version is taken for 1.1")
    func takesHigherMinorVersions() throws {
        #expect(try parse("GET / HTTP/1.9\r\nHost: a\r\n\r\n")?.version == .http11)
        #expect(try parse("GET / HTTP/1.0\r\n\r\n")?.version == .http10)
    }

    @Test(
        "The connection goes on as version and options say",
        arguments: [
            ("1.1", "", true), ("1.0", "", false), ("1.1", "Connection: close\r\n", false),
            ("1.0", "Connection: Keep-Alive\r\n", true), ("1.1", "Connection: upgrade, CLOSE\r\n", false),
            ("1.1", "Connection: keep-alive\r\nConnection: x,close\r\n", false),
            ("1.0", "Connection: ,, x ,keep-alive\r\n", true), ("1.0", "Connection: keep-alive, close\r\n", false),
            ("1.1", "Connection: closed\r\n", true),
        ])
    func decidesKeepAlive(version: String, fields: String, expected: Bool) throws {
        #expect(try parse("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")?.keepAlive == expected)
    }

    @Test(
        "A body is framed by its length, by chunks or not at all",
        arguments: [
            ("", BodyFraming.none), ("Content-Length: 0\r\n", .length(0)),
            ("Content-Length: 9223372036854775807\r\n", .length(9_223_372_036_854_775_807)),
            ("Content-Length: 007\r\n", .length(7)), ("Transfer-Encoding: chunked\r\n", .chunked),
        ])
    func framesBodies(fields: String, expected: BodyFraming) throws {
        #expect(try parse("POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")?.framing == expected)
    }

    @Test(
        "An expectation holds on 1.1 with a body only",
        arguments: [
            ("1.1", "Content-Length: 1\r\n", true), ("1.1", "Transfer-Encoding: chunked\r\n", true),
            ("1.1", "", false), ("1.1", "Content-Length: 0\r\n", false), ("1.0", "Content-Length: 1\r\n", false),
        ])
    func decidesExpectations(version: String, fields: String, expected: Bool) throws {
        let head = "POST / HTTP/\(version)\r\nHost: a\r\n\(fields)Expect: 100-continue\r\n\r\n"
        #expect(try parse(head)?.expectsContinue == expected)
    }

    @Test("An unknown expectation on 1.0 is ignored")
    func ignoresExpectationsOnHTTP10() throws {
        #expect(try parse("GET / HTTP/1.0\r\nExpect: tea\r\n\r\n") != nil)
    }

    @Test("A parser that was reset parses the next head as a new one would")
    func isReusable() throws {
        let input = bytes(Self.validHeads[0])
        var parser = RequestParser()
        let first = try parser.parse(bytes(Self.validHeads[3]))
        parser.reset()
        let part = try parser.parse(input, first: 7)
        let whole = try parser.parse(input)
        #expect([first, part, whole] == [true, false, true])
        let parsed = ParsedHead(parser, input)
        #expect(try parsed == parse(input))
    }

    @Test("A complete head stays complete when more bytes arrive")
    func staysComplete() throws {
        let input = bytes(Self.validHeads[0] + "rest")
        var parser = RequestParser()
        let first = try parser.parse(input)
        let second = try parser.parse(input)
        #expect(first && second)
    }

    @Test("Fields are found by kind and by name, without case, the first one of several")
    func findsFields() throws {
        let input = bytes("GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\nCONTENT-TYPE: t/p\r\n\r\n")
        var parser = RequestParser()
        _ = try parser.parse(input)
        let type = parser.value(ofKnown: .contentType).map(input.text)
        let expectation = parser.value(ofKnown: .expect)
        let other = parser.value(ofKnown: .other)
        let one = parser.value(named: "x-one", in: input).map(input.text)
        let none = parser.value(named: "x-on", in: input)
        let count = parser.fields.count
        #expect(type == "t/p")
        #expect(one == "1")
        #expect(expectation == nil && other == nil && none == nil)
        #expect(count == 4)
    }

    @Test("A head that arrives byte by byte is searched once, not once per byte")
    func isLinearOnADrip() throws {
        let value = [UInt8](repeating: 0x61, count: 4 << 20)
        let input = bytes("GET / HTTP/1.1\r\nHost: a\r\nX: ") + value + bytes("\r\n\r\n")
        var parser = RequestParser(limits: HeadLimits(maximumHead: 16 << 20))
        // Searching from the start at each of these calls would read some hundred gigabytes.
        for missing in (1...100_000).reversed() {
            let complete = try parser.parse(input, first: input.count - missing)
            if complete { Issue.record("complete \(missing) bytes too early") }
        }
        let complete = try parser.parse(input)
        #expect(complete)
    }
}
