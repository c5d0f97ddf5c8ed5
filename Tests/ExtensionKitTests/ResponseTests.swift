import CISAPI
import HTTPTypes
import Testing

@testable import ExtensionKit

@Suite struct ResponseTests {
    private let success = DWORD(HSE_STATUS_SUCCESS_AND_KEEP_CONN)
    private let failure = DWORD(HSE_STATUS_ERROR)
    private struct Broken: Error {}

    @Test func aWholeResponseHasItsLength() {
        let server = FakeServer()
        let status = server.serve { _, response in
            try response.send(HTTPResponse(status: .created, headerFields: [.contentType: "text/plain"]), body: "made")
        }
        #expect(status == success && server.status == "201 Created" && server.text == "made")
        #expect(server.fields == "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\n")
    }

    @Test func theAnswerToHEADHasALengthAndNoBody() {
        let server = FakeServer(method: "HEAD")
        _ = server.serve { _, response in try response.send(HTTPResponse(status: .ok), body: "four") }
        #expect(server.fields == "Content-Length: 4\r\n\r\n" && server.text == "")
    }

    @Test(arguments: [HTTPResponse.Status.noContent, .notModified])
    func aStatusWithoutBodyHasNoLength(status: HTTPResponse.Status) {
        let server = FakeServer()
        _ = server.serve { _, response in try response.send(HTTPResponse(status: status)) }
        #expect(server.fields == "\r\n")
    }

    @Test func aFieldCannotBreakOutOfItsLine() {
        let server = FakeServer()
        _ = server.serve { _, response in
            try response.send(HTTPResponse(status: .seeOther, headerFields: [.location: "/a\r\nSet-Cookie: b"]))
        }
        #expect(server.fields?.split(separator: "\r\n").map { $0.prefix(9) } == ["Location:", "Content-L"])
    }

    @Test func aBodyIsWrittenPieceAfterPiece() {
        let server = FakeServer()
        let status = server.serve { _, response in
            let body = try response.begin(HTTPResponse(status: .ok))
            try body.write("one ")
            try body.write([])
            try body.write(Array("two".utf8))
        }
        #expect(status == success && server.text == "one two" && server.fields == "\r\n")
    }

    @Test func anErrorBeforeTheResponseIsAnsweredWith500() {
        let server = FakeServer()
        let status = server.serve { _, _ in throw Broken() }
        #expect(status == success && server.status == "500 Internal Server Error")
    }

    @Test func anErrorWithinTheResponseEndsTheConnection() {
        let server = FakeServer()
        let status = server.serve { _, response in
            let body = try response.begin(HTTPResponse(status: .ok))
            try body.write("half")
            throw Broken()
        }
        #expect(status == failure && server.record.withLock { $0.isClosed })
        #expect(server.status == "200 OK")
    }

    @Test func aHandlerThatSendsNothingIsAnsweredFor() {
        let server = FakeServer()
        #expect(server.serve { _, _ in } == success)
        #expect(server.status == "500 Internal Server Error")
    }

    @Test func aWriteThatFailsSaysThatTheClientIsGone() {
        let server = FakeServer()
        let status = server.serve { _, response in
            let body = try response.begin(HTTPResponse(status: .ok))
            server.record.withLock { $0.failure = DWORD(10054) }
            try body.write("lost")
        }
        #expect(status == failure)
    }

    @Test func aRefusalKeepsTheServersNumber() {
        let server = FakeServer()
        server.record.withLock { $0.failure = DWORD(ERROR_INVALID_PARAMETER) }
        let refused = ExtensionError.refused(DWORD(ERROR_INVALID_PARAMETER))
        withExtendedLifetime(server) {
            let body = ResponseBody(Session(server.controlBlock))
            #expect(throws: refused) { try body.write("lost") }
        }
    }
}
