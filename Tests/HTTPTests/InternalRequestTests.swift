import Testing
import TestSupport

@testable import HTTP
@testable import Transport

@Suite("Internal requests")
struct InternalRequestTests {
    @Test("The other route answers with the body it was given, and the next request follows")
    func answersByAnotherRoute() async throws {
        try await withConnection { peer, server in
            peer.send(get("/ask") + get("/fast"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("asked") + ok("fast\n"))
            let finished = try await server.recorded().finished
            #expect(finished == ["/ask", "/fast"])
        }
    }

    @Test("What is unread of the client's body follows the given bytes", arguments: [0, 5, 100_000])
    func forwardsTheBody(size: Int) async throws {
        let body = String(repeating: "x", count: size)
        try await withConnection { peer, _ in
            peer.send(post("/forward", "Content-Length: \(size)\r\n", body) + get("/fast"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("more " + body) + ok("fast\n"))
        }
    }

    @Test("A chunked body is forwarded to its end")
    func forwardsChunks() async throws {
        try await withConnection { peer, _ in
            peer.send(post("/forward", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n") + get("/fast"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("more abc") + ok("fast\n"))
        }
    }

    @Test("Replaced fields keep the host and tell no length of their own")
    func replacesFields() async throws {
        try await withConnection { peer, _ in
            peer.send(get("/replace", "X-Theirs: 2\r\n"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("GET /./head HTTP/1.1\r\nX-Own: 1\r\nHost: a\r\n\r\n"))
        }
    }

    @Test("The client's own method decides whether a body is sent")
    func keepsTheFramingOfTheClient() async throws {
        try await withConnection { peer, _ in
            peer.send("HEAD /ask HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fast"))
            peer.finishSending()
            let answer = stable(peer.receiveToEnd())
            #expect(answer == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + ok("fast\n"))
        }
    }

    @Test("A request that asks for itself is ended by the limit")
    func endsLoops() async throws {
        try await withConnection { peer, _ in
            peer.send(get("/loop"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("too deep\n"))
        }
    }

    @Test("A malformed request is refused, and the asker may still answer")
    func refusesMalformedRequests() async throws {
        try await withConnection { peer, _ in
            peer.send(get("/refused"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("pathEscapesRoot\n"))
        }
    }
}
