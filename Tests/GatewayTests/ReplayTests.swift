import Testing

@testable import Gateway

@Suite("Recorded requests that are sent again") struct ReplayTests {
    private typealias Field = TraceRecord.Field

    private func record(
        _ method: String? = "GET", _ target: String? = "/a?b=c", _ fields: [Field] = [Field(name: "Host", value: "h")],
        hasBody: Bool = false, isHeadCut: Bool = false
    ) -> TraceRecord {
        TraceRecord(
            time: "", worker: 0, sequence: 1, client: "", listener: "", method: method, target: target, host: "h:8443",
            fields: fields, isHeadCut: isHeadCut, hasBody: hasBody, status: 200, isCut: false, retries: 0,
            requestBytes: 0, responseBytes: 0, milliseconds: .init(total: 0))
    }

    private func request(
        _ record: TraceRecord, _ added: [String] = [], body: [UInt8]? = nil
    ) throws(ReplayFailure) -> (lines: [String], omitted: [String], host: String) {
        let request = try ReplayRequest(record, added: added, body: body, to: "other:1")
        let text = String(decoding: request.bytes, as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        return (lines, request.omitted, request.host)
    }

    @Test func `The request is that of HTTP 1.1 with the recorded fields`() throws {
        let fields = [Field(name: "host", value: "h:8443"), Field(name: "accept", value: "*/*")]
        let (lines, omitted, host) = try request(record("GET", "/a?b=c", fields))
        #expect(lines == ["GET /a?b=c HTTP/1.1", "host: h:8443", "accept: */*", "Connection: close", "", ""])
        #expect(omitted.isEmpty && host == "h")
    }

    @Test func `A request without a host gets the recorded one`() throws {
        #expect(try request(record("GET", "/", [])).lines[1] == "Host: h:8443")
    }

    @Test func `What was masked is left out and named`() throws {
        let fields = [
            Field(name: "Host", value: "h"), Field(name: "Cookie", value: "***", maskedBytes: 9),
            Field(name: "Referer", value: "/?token=***", maskedBytes: 20), Field(name: "X-Bytes", value: "\u{FFFD}"),
        ]
        let (lines, omitted, _) = try request(record("GET", "/a?token=***&b=c&key=***", fields))
        #expect(lines == ["GET /a?b=c HTTP/1.1", "Host: h", "Connection: close", "", ""])
        #expect(omitted == ["token", "key", "Cookie", "Referer", "X-Bytes"])
        #expect(try request(record("GET", "/a?token=***")).lines[0] == "GET /a HTTP/1.1")
    }

    @Test func `Fields of the connection are left out`() throws {
        let fields = [
            Field(name: "Host", value: "h"), Field(name: "Connection", value: "keep-alive, X-Hop"),
            Field(name: "X-Hop", value: "1"), Field(name: "Upgrade", value: "h2c"),
            Field(name: "TE", value: "trailers"), Field(name: "Expect", value: "100-continue"),
            Field(name: "Content-Length", value: "9"),
            Field(name: "Transfer-Encoding", value: "chunked"), Field(name: "X-End", value: "1"),
        ]
        let (lines, _, _) = try request(record("POST", "/", fields, hasBody: true), body: Array("body".utf8))
        #expect(
            lines == [
                "POST / HTTP/1.1", "Host: h", "X-End: 1", "Content-Length: 4", "Connection: close", "", "body",
            ])
    }

    @Test func `Added fields replace recorded ones`() throws {
        let fields = [Field(name: "Host", value: "h"), Field(name: "cookie", value: "***", maskedBytes: 3)]
        let (lines, omitted, host) = try request(record("GET", "/", fields), ["Cookie: a=b", "Host: [::1]:1", "X: 1"])
        #expect(lines == ["GET / HTTP/1.1", "Cookie: a=b", "Host: [::1]:1", "X: 1", "Connection: close", "", ""])
        #expect(omitted.isEmpty && host == "::1")
    }

    @Test(arguments: [
        ("http://h/a?b", "/a?b"), ("http://h", "/"), ("http://h?b", "/?b"), ("*", "*"),
    ])
    func `Targets of other forms are sent as a path`(target: String, path: String) throws {
        #expect(try request(record("OPTIONS", target)).lines[0] == "OPTIONS \(path) HTTP/1.1")
    }

    @Test func `Requests that cannot be sent as they were are refused`() {
        let unsuitable = [
            record(nil, nil), record("CONNECT", "h:443"), record("POST", "/", hasBody: true),
            record("GET", "/", isHeadCut: true), record("GET", "/", [Field(name: "A", value: "b\r\nc: d")]),
            record("GET", "/ HTTP/1.1\r\nX: y"),
        ]
        for record in unsuitable {
            #expect(throws: ReplayFailure.self) { _ = try ReplayRequest(record, added: [], body: nil, to: "o") }
        }
    }
}
