import Testing
import TestSupport

@testable import HTTP
@testable import Transport

@Suite("Connection")
struct ConnectionTests {
    @Test("Pipelined requests are answered in order, whether their handlers suspend or not")
    func keepsOrder() async throws {
        try await withConnection { peer, server in
            let paths = ["/fast", "/slow", "/fast", "/fast", "/slow", "/fast"]
            peer.send(paths.map { get($0) }.joined())
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == paths.map { ok("\($0.dropFirst())\n") }.joined())
            let record = try await server.recorded()
            #expect(record.finished == paths)
        }
    }

    @Test("A hundred answers that are ready leave in one write")
    func writesOnce() async throws {
        try await withConnection(receiving: [bytes(String(repeating: get("/fast"), count: 100))]) { peer, server in
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == String(repeating: ok("fast\n"), count: 100))
            let record = try await server.recorded()
            #expect(record.writes.count == 1)
        }
    }

    @Test("What a stream still holds of a response leaves before the next request is awaited")
    func sendsTail() async throws {
        try await withConnection { peer, _ in
            peer.send(get("/tail"))
            let head = ok("head and tail")
            #expect(stable(peer.receiveText(until: "tail")) == head)
            peer.send(get("/fast"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("fast\n"))
        }
    }

    @Test("A request may arrive byte by byte")
    func takesBytes() async throws {
        let request = post("/echo", "Content-Length: 5\r\n", "Hello") + get("/fast")
        try await withConnection(receiving: bytes(request).map { [$0] }) { peer, _ in
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("Hello") + ok("fast\n"))
        }
    }

    @Test("HTTP/1.0 closes after its response, unless the client asks to go on")
    func servesHTTP10() async throws {
        try await withConnection { peer, _ in
            peer.send("GET /fast HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /fast HTTP/1.0\r\n\r\n")
            let kept = ok("fast\n", "Connection: keep-alive\r\n")
            #expect(stable(peer.receiveToEnd()) == kept + ok("fast\n", "Connection: close\r\n"))
        }
    }

    @Test("Connection: close ends the connection, and what follows is not answered")
    func closesOnRequest() async throws {
        try await withConnection { peer, _ in
            peer.send(get("/fast", "Connection: close\r\n") + get("/fast"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("fast\n", "Connection: close\r\n"))
        }
    }

    @Test("A malformed request is answered after those before it, and ends the connection")
    func refuses() async throws {
        try await withConnection { peer, server in
            peer.send(get("/fast") + "GET / HTTP/1.1\nHost: a\r\n\r\n" + get("/fast"))
            peer.finishSending()
            let answer = try #require(stable(peer.receiveToEnd()))
            #expect(answer.hasPrefix(ok("fast\n") + "HTTP/1.1 400 Bad Request\r\n"))
            #expect(answer.contains("Connection: close\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n400 Bad Request: bare LF\n"))
            let record = try await server.recorded()
            #expect(record.rejected == [.bareLineFeed])
        }
    }

    @Test("A response that was begun and not finished is cut off by closing")
    func cutsOff() async throws {
        try await withConnection { peer, _ in
            peer.send(get("/half") + get("/fast"))
            peer.finishSending()
            let answer = try #require(stable(peer.receiveToEnd()))
            #expect(answer == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        }
    }

    @Test("A handler that does not answer costs the connection")
    func closesWithoutAnswer() async throws {
        try await withConnection { peer, _ in
            peer.send(get("/silent") + get("/fast"))
            peer.finishSending()
            #expect(peer.receiveToEnd() == "")
        }
    }

    // MARK: Time

    @Test("An idle connection is closed without a word")
    func closesIdle() async throws {
        var limits = ConnectionLimits()
        limits.idleTimeout = .milliseconds(20)
        try await withConnection(limits: limits) { peer, _ in
            peer.send(get("/fast"))
            #expect(stable(peer.receiveToEnd()) == ok("fast\n"))
        }
    }

    @Test("A connection that sends nothing is closed when its first head is late")
    func closesSilent() async throws {
        var limits = ConnectionLimits()
        limits.headerTimeout = .milliseconds(20)
        limits.idleTimeout = .seconds(3600)
        try await withConnection(limits: limits) { peer, _ in
            #expect(peer.receiveToEnd() == "")
        }
    }

    @Test("Between two requests it is the idle timeout that counts")
    func keepsIdle() async throws {
        var limits = ConnectionLimits()
        // Long enough for the first request to come in time on a busy machine.
        limits.headerTimeout = .seconds(3)
        // There the pause may also take much longer than it is to.
        limits.idleTimeout = .seconds(3600)
        try await withConnection(limits: limits) { peer, _ in
            peer.send(get("/fast"))
            let fast = ok("fast\n").utf8.count + "Server: isagate\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n".utf8.count
            #expect(stable(peer.receiveText(fast)) == ok("fast\n"))
            try await Task.sleep(for: .milliseconds(3200))
            peer.send(get("/fast"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("fast\n"))
        }
    }

    @Test("A head that does not come to its end in time is answered with 408")
    func timesHeads() async throws {
        var limits = ConnectionLimits()
        limits.headerTimeout = .milliseconds(20)
        try await withConnection(limits: limits) { peer, server in
            peer.send("GET / HTTP/1.1\r\nHost")
            let answer = readUntilClosing(peer)
            #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
            let record = try await server.recorded()
            #expect(record.rejected == [.headTimeout])
        }
    }

    @Test("The time of a head does not run while an earlier request is answered")
    func timesHeadsFromTheirTurn() async throws {
        var limits = ConnectionLimits()
        limits.headerTimeout = .milliseconds(40)
        try await withConnection(limits: limits) { peer, _ in
            peer.send(get("/slow") + "GET /fast")
            let slow = ok("slow\n").utf8.count + "Server: isagate\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n".utf8.count
            #expect(stable(peer.receiveText(slow)) == ok("slow\n"))
            peer.send(" HTTP/1.1\r\nHost: a\r\n\r\n")
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("fast\n"))
        }
    }

    @Test("A body that stops coming is answered with 408")
    func timesBodies() async throws {
        var limits = ConnectionLimits()
        limits.bodyTimeout = .milliseconds(20)
        try await withConnection(limits: limits) { peer, _ in
            peer.send(post("/echo", "Content-Length: 5\r\n", "Hel"))
            #expect(readUntilClosing(peer).hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        }
    }

    @Test("A request under way when a drain begins is answered and told that the connection ends")
    func drains() async throws {
        try await withConnection { peer, server in
            peer.send(get("/slow"))
            try await server.worker.run { server.worker.drain() }
            #expect(stable(peer.receiveToEnd()) == ok("slow\n", "Connection: close\r\n"))
        }
    }
}

/// Reads an answer, then closes, which ends the server's wait for what a client may still be sending.
func readUntilClosing(_ peer: Peer) -> String {
    defer { peer.hangUp() }
    return peer.receiveToEnd() ?? ""
}
