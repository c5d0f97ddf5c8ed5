import Memory
import Synchronization
import Testing
import TestSupport

@testable import HTTP

@Suite("Response filters")
struct ResponseFilterTests {
    @Test("A fixed response is replaced by its variant, with the fields of the request behind it")
    func replacesFixedResponses() async throws {
        try await withConnection(filter: CapitalFilter()) { peer, _ in
            peer.send(get("/fast"))
            peer.finishSending()
            let expected = "HTTP/1.1 200 OK\r\nVariable: yes\r\nVariant: yes\r\nContent-Length: 5\r\n\r\nFAST\n"
            #expect(stable(peer.receiveToEnd()) == expected)
        }
    }

    @Test("A body that is whole before it has to leave is sent with its coded length")
    func tellsCodedLength() async throws {
        let filter = CapitalFilter()
        try await withConnection(filter: filter) { peer, _ in
            peer.send(post("/echo", "Content-Length: 5\r\n", "Hello") + get("/slow"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == coded("HELLO!") + coded("SLOW\n!"))
            #expect(filter.released.withLock { $0 } == 2)
        }
    }

    @Test("A flush sends what the coder has, and the coded body goes on in chunks")
    func flushes() async throws {
        let filter = CapitalFilter()
        try await withConnection(filter: filter) { peer, _ in
            peer.send(get("/flushed"))
            peer.finishSending()
            let head = "HTTP/1.1 200 OK\r\nCoded: yes\r\nTransfer-Encoding: chunked\r\n\r\n"
            #expect(stable(peer.receiveToEnd()) == head + "4\r\nONE \r\nb\r\nTWO THREE\n!\r\n0\r\n\r\n")
            #expect(filter.released.withLock { $0 } == 1)
        }
    }

    @Test("An HTTP/1.0 client gets a coded body of unknown length until the connection closes")
    func closesForOldClients() async throws {
        try await withConnection(filter: CapitalFilter()) { peer, _ in
            peer.send("GET /flushed HTTP/1.0\r\nHost: a\r\n\r\n")
            let head = "HTTP/1.1 200 OK\r\nCoded: yes\r\nConnection: close\r\n\r\n"
            #expect(stable(peer.receiveToEnd()) == head + "ONE TWO THREE\n!")
        }
    }

    @Test(
        "A response that its handler gives up is cut off visibly behind what was written", arguments: ["half", "short"])
    func cutsOff(path: String) async throws {
        let filter = CapitalFilter()
        try await withConnection(filter: filter) { peer, _ in
            peer.send(get("/\(path)"))
            let head = "HTTP/1.1 200 OK\r\nCoded: yes\r\nTransfer-Encoding: chunked\r\n\r\n"
            let body = path.uppercased()
            #expect(stable(peer.receiveToEnd()) == head + "\(body.utf8.count)\r\n\(body)\r\n")
            #expect(filter.released.withLock { $0 } == 1)
        }
    }

    @Test("The answer to HEAD has the head of the coded response alone")
    func answersHead() async throws {
        try await withConnection(filter: CapitalFilter()) { peer, _ in
            peer.send("HEAD /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == coded("", length: 6))
        }
    }

    private func coded(_ body: String, length: Int? = nil) -> String {
        "HTTP/1.1 200 OK\r\nCoded: yes\r\nContent-Length: \(length ?? body.utf8.count)\r\n\r\n\(body)"
    }
}

/// Writes bodies in capital letters, with an exclamation mark at the end.
private final class CapitalFilter: ResponseFilter, @unchecked Sendable {
    let released = Mutex(0)
    private let fast = FixedResponse(status: 200, fields: [("Variant", "yes")], body: bytes("FAST\n"))

    var replacesServer: Bool { true }

    func variant(of response: FixedResponse, for exchange: Exchange) -> FixedResponse { fast }

    func appendVariableFields(for exchange: Exchange, to response: ResponseSink) {
        response.appendFields("Variable: yes\r\n")
    }

    func begin(_ head: ResponseDraft, for exchange: Exchange, to response: ResponseSink) -> (any BodyCoder)? {
        response.appendFields(head.fields)
        response.appendFields("Coded: yes\r\n")
        return CapitalCoder(self)
    }
}

private final class CapitalCoder: BodyCoder {
    private let filter: CapitalFilter
    private var held: [UInt8] = []
    private var isHeadEnded = false

    init(_ filter: CapitalFilter) {
        self.filter = filter
    }

    func write(_ bytes: ByteView, to response: ResponseSink) {
        for index in bytes.indices {
            let byte = bytes[index]
            held.append(byte &- 0x61 < 26 ? byte - 0x20 : byte)
        }
    }

    func flush(to response: ResponseSink) {
        end(.unknown, response)
    }

    func finish(to response: ResponseSink) {
        held.append(0x21)
        end(.known(UInt64(held.count)), response)
    }

    private func end(_ length: BodyLength, _ response: ResponseSink) {
        if !isHeadEnded { response.endHead(length) }
        isHeadEnded = true
        held.withBytes { bytes in response.write(bytes) }
        held = []
    }

    func release() {
        filter.released.withLock { $0 += 1 }
    }
}
