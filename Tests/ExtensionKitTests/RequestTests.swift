import CISAPI
import HTTPTypes
import Testing

@testable import ExtensionKit

@Suite struct RequestTests {
    private let body = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
    private let success = DWORD(HSE_STATUS_SUCCESS_AND_KEEP_CONN)

    @Test func theHeadHasMethodTargetAndFieldsInOrder() {
        let server = FakeServer(
            method: "POST",
            variables: [
                "ALL_RAW": "Host: localhost\r\nX-A: 1\r\nx-a:  2 \t3\r\nno colon\r\nbad name: 4\r\n", "HTTPS": "on",
                "HTTP_HOST": "localhost", "HTTP_URL": "/kit/info?a=b",
            ])
        let head = server.withRequest { request in request.head }
        #expect(head.method == .post)
        #expect(head.scheme == "https" && head.authority == "localhost" && head.path == "/kit/info?a=b")
        #expect(head.headerFields.map(\.name.rawName) == ["Host", "X-A", "x-a"])
        #expect(head.headerFields[values: HTTPField.Name("X-A")!] == ["1", "2 \t3"])
    }

    @Test func pathAndQueryAreTheControlBlocks() {
        FakeServer().withRequest { request in
            #expect(request.pathInfo == "/info" && request.query == "a=b")
        }
    }

    @Test func aVariableIsGotWholeHoweverLong() {
        let long = String(repeating: "v", count: 70_000)
        FakeServer(variables: ["LONG": long, "EMPTY": ""]).withRequest { request in
            #expect(request.variable("LONG") == long)
            #expect(request.variable("EMPTY") == "")
            #expect(request.variable("NONE") == nil)
        }
    }

    @Test(arguments: [0, 1, 999, 4999, 5000], [true, false])
    func aBodyIsReadToItsEnd(available: Int, isLengthKnown: Bool) throws {
        let server = FakeServer(body: body, available: available, isLengthKnown: isLengthKnown)
        try server.withRequest { request in
            #expect(request.bodyLength == (isLengthKnown ? 5000 : nil))
            var read: [UInt8] = []
            while let bytes = try request.read() { read += bytes }
            #expect(read == body)
            #expect(try request.read() == nil)
        }
    }

    @Test(arguments: [FakeServer.Completion.atOnce, .later], [true, false])
    func aBodyIsReadToItsEndWithoutAThread(completion: FakeServer.Completion, isLengthKnown: Bool) async {
        let server = FakeServer(
            method: "POST", body: body, available: 100, isLengthKnown: isLengthKnown, completion: completion)
        let body = body
        let status = await server.serve { request, response in
            let read = try await request.body(atMost: 5000)
            #expect(read == body)
            try await response.send(HTTPResponse(status: .ok), body: "read")
        }
        #expect(status == success && server.text == "read")
    }

    @Test func aBodyOfKnownLengthIsNotAskedForBeyondIt() throws {
        let server = FakeServer(body: body, available: 5000)
        #expect(try server.withRequest { request in try request.body(atMost: 5000) } == body)
        #expect(server.record.withLock { $0.reads } == 0)
    }

    @Test(arguments: [true, false])
    func aBodyThatIsTooLongIsAnsweredWith413(isLengthKnown: Bool) {
        let server = FakeServer(method: "POST", body: body, available: 100, isLengthKnown: isLengthKnown)
        let status = server.serve { request, response in
            try response.send(HTTPResponse(status: .ok), body: try request.body(atMost: 4999))
        }
        #expect(status == success && server.status == "413 Content Too Large")
        // A body whose declared length is too long is not read at all.
        #expect(server.record.withLock { $0.reads } == (isLengthKnown ? 0 : 5))
    }

    @Test func aReadThatFailsSaysThatTheClientIsGone() {
        let server = FakeServer(method: "POST", body: body)
        server.record.withLock { $0.failure = DWORD(10054) }
        #expect(throws: ExtensionError.clientGone) {
            try server.withRequest { request in _ = try request.read() }
        }
    }
}
