import Testing
import TestSupport

@testable import HTTP
@testable import Transport

@Suite("Bodies on a connection")
struct ConnectionBodyTests {
    @Test("A body is read to its end and the next request follows", arguments: [0, 1, 5, 70_000, 300_000])
    func readsBodies(size: Int) async throws {
        let body = String(repeating: "x", count: size)
        try await withConnection { peer, _ in
            peer.send(post("/echo", "Content-Length: \(size)\r\n", body) + get("/fast"))
            peer.finishSending()
            let isIntact = stable(peer.receiveToEnd()) == ok(body) + ok("fast\n")
            #expect(isIntact)
        }
    }

    @Test("A chunked body is read to its end, at every split of its bytes")
    func readsChunks() async throws {
        let request = bytes(
            post("/echo", "Transfer-Encoding: chunked\r\n", "3\r\nHel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\n"))
        for split in 1..<request.count {
            let pieces = [Array(request[..<split]), Array(request[split...]) + bytes(get("/fast"))]
            try await withConnection(receiving: pieces) { peer, _ in
                peer.finishSending()
                #expect(stable(peer.receiveToEnd()) == ok("Hello") + ok("fast\n"))
            }
        }
    }

    @Test("A body that its handler leaves is dropped, and the connection goes on")
    func dropsBodies() async throws {
        try await withConnection { peer, _ in
            peer.send(post("/fast", "Content-Length: 5\r\n", "Hello"))
            peer.send(post("/fast", "Transfer-Encoding: chunked\r\n", "5\r\nHello\r\n0\r\n\r\n") + get("/fast"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("fast\n") + ok("fast\n") + ok("fast\n"))
        }
    }

    @Test("A body too long to drop closes the connection, and the client can read why first")
    func lingers() async throws {
        var limits = ConnectionLimits()
        limits.unreadBody = 1000
        try await withConnection(limits: limits) { peer, _ in
            peer.send(post("/fast", "Content-Length: 500000\r\n"))
            peer.send([UInt8](repeating: 0x78, count: 200_000))
            #expect(stable(readUntilClosing(peer)) == ok("fast\n", "Connection: close\r\n"))
        }
    }

    @Test("A body longer than the limit is refused before it is sent")
    func refusesLength() async throws {
        var limits = ConnectionLimits()
        limits.maximumBody = 4
        try await withConnection(limits: limits) { peer, _ in
            peer.send(post("/echo", "Content-Length: 5\r\n"))
            #expect(readUntilClosing(peer).hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("A chunked body is refused when it turns out to be longer than the limit")
    func refusesChunks() async throws {
        var limits = ConnectionLimits()
        limits.maximumBody = 4
        try await withConnection(limits: limits) { peer, _ in
            peer.send(post("/echo", "Transfer-Encoding: chunked\r\n", "5\r\nHello\r\n"))
            #expect(readUntilClosing(peer).hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("A client that waits for 100 (Continue) gets it when the body is wanted")
    func continues() async throws {
        try await withConnection { peer, _ in
            peer.send(post("/echo", "Content-Length: 5\r\nExpect: 100-continue\r\n"))
            let interim = "HTTP/1.1 100 Continue\r\n\r\n"
            #expect(peer.receiveText(interim.utf8.count) == interim)
            peer.send("Hello" + get("/fast"))
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("Hello") + ok("fast\n"))
        }
    }

    @Test("A body that is not wanted is not asked for, and the connection ends")
    func doesNotContinue() async throws {
        try await withConnection { peer, _ in
            peer.send(post("/fast", "Content-Length: 5\r\nExpect: 100-continue\r\n"))
            #expect(stable(readUntilClosing(peer)) == ok("fast\n", "Connection: close\r\n"))
        }
    }

    @Test("Answers before a body that is slow to come do not wait for it")
    func doesNotWait() async throws {
        try await withConnection { peer, _ in
            peer.send(get("/fast") + post("/echo", "Content-Length: 5\r\n", "Hel"))
            let fast = ok("fast\n").utf8.count + "Server: isagate\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n".utf8.count
            #expect(stable(peer.receiveText(fast)) == ok("fast\n"))
            peer.send("lo")
            peer.finishSending()
            #expect(stable(peer.receiveToEnd()) == ok("Hello"))
        }
    }

    @Test("A body is read wherever in the buffer its head ends", arguments: [0, 1, 4, 5, 6, 100, 1000, 8000, 9000])
    func readsAtTheEndOfTheBuffer(room: Int) async throws {
        try await readBody(behind: room, of: ExchangeStorage.inputLimit(HeadLimits()))
    }

    @Test("A body is read wherever in the first, small buffer its head ends", arguments: [0, 1, 4, 5, 6, 100, 700])
    func readsAtTheEndOfTheFirstBuffer(room: Int) async throws {
        try await readBody(behind: room, of: ExchangeStorage.firstInput)
    }

    private func readBody(behind room: Int, of capacity: Int) async throws {
        let head = post("/echo", "Transfer-Encoding: chunked\r\n")
        let trailer = "X: \(String(repeating: "y", count: 7000))\r\n"
        let filling = capacity - head.utf8.count - room
        let path = get("/fast").utf8.count
        let requests = String(repeating: get("/fast"), count: filling / path - 2)
        let last = get("/fast", "Y: \(String(repeating: "z", count: filling - requests.utf8.count - path - 5))\r\n")
        #expect((requests + last).utf8.count == filling)
        let pieces = [bytes(requests + last + head), bytes("5\r\nHello\r\n0\r\n"), bytes(trailer + "\r\n")]
        try await withConnection(receiving: pieces) { peer, _ in
            peer.finishSending()
            let isWhole = stable(peer.receiveToEnd())?.hasSuffix(ok("fast\n") + ok("Hello"))
            #expect(isWhole == true)
        }
    }
}
