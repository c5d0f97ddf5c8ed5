import CLinux
import Glibc
import Testing
import TestSupport

@testable import HTTP
@testable import Transport

@Suite("Files on a connection")
struct ConnectionFileTests {
    static let sizes = [0, 1, 16_000, 16_384, 65_536, 70_000, 3_000_000]

    @Test("A file is sent whole, read by us or by the kernel, and the next request follows", arguments: sizes)
    func sendsFiles(size: Int) async throws {
        for isSentByKernel in [false, true] {
            let file = TestFile(size: size, isSentByKernel: isSentByKernel)
            try await withConnection(file: file) { peer, _ in
                peer.send(get("/file") + get("/fast"))
                peer.finishSending()
                let isIntact = stable(peer.receiveToEnd()) == ok(file.text) + ok("fast\n")
                #expect(isIntact)
            }
        }
    }

    @Test("A file that is asked for again is sent from memory, and one of little size is not")
    func sendsMappedFiles() async throws {
        for size in [256 << 10, 3_000_000, 255 << 10] {
            let file = TestFile(size: size)
            let mappings = FileMappings(limit: 4 << 20)
            try await withConnection(file: file, mappings: mappings) { peer, _ in
                peer.send(get("/file") + get("/file") + get("/file") + get("/fast"))
                peer.finishSending()
                let response = ok(file.text)
                let isIntact = stable(peer.receiveToEnd()) == response + response + response + ok("fast\n")
                #expect(isIntact)
            }
            #expect(mappings.inUse.files == (size < 256 << 10 ? 0 : 1))
        }
    }

    @Test("What lies in memory is sent as it is", arguments: sizes)
    func sendsMemory(size: Int) async throws {
        let file = TestFile(size: size)
        try await withConnection(file: file) { peer, _ in
            peer.send(get("/memory") + get("/fast"))
            peer.finishSending()
            let isIntact = stable(peer.receiveToEnd()) == ok(file.text) + ok("fast\n")
            #expect(isIntact)
        }
    }

    @Test("Without a length the file leaves in chunks")
    func sendsChunks() async throws {
        let file = TestFile(size: 40_000, isSentByKernel: true)
        try await withConnection(file: file) { peer, _ in
            peer.send(get("/pieces"))
            peer.finishSending()
            let received = try #require(stable(peer.receiveToEnd()))
            #expect(received.hasPrefix("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n"))
            #expect(received.hasSuffix("\r\n0\r\n\r\n"))
        }
    }

    @Test("HEAD sends nothing of a file")
    func answersHead() async throws {
        try await withConnection(file: TestFile(size: 100_000, isSentByKernel: true)) { peer, _ in
            peer.send("HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fast"))
            peer.finishSending()
            #expect(
                stable(peer.receiveToEnd()) == "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + ok("fast\n"))
        }
    }

    @Test("A file that ends early ends the connection visibly", arguments: [false, true])
    func cutsShortFiles(isSentByKernel: Bool) async throws {
        let file = TestFile(size: 100_000, promised: 200_000, isSentByKernel: isSentByKernel)
        try await withConnection(file: file) { peer, _ in
            peer.send(get("/file") + get("/fast"))
            peer.finishSending()
            let received = try #require(stable(peer.receiveToEnd()))
            #expect(received.hasSuffix(String(file.text.suffix(10))))
        }
    }

    @Test("A client that does not read is given up in time", arguments: [false, true])
    func timesOut(isSentByKernel: Bool) async throws {
        var limits = ConnectionLimits()
        limits.writeTimeout = .milliseconds(20)
        let file = TestFile(size: 3_000_000, isSentByKernel: isSentByKernel)
        try await withConnection(limits: limits, file: file) { peer, server in
            peer.send(get("/file"))
            while try await server.recorded().finished.isEmpty {}
            #expect(peer.receiveToEnd().map { $0.utf8.count < 3_000_000 } ?? true)
        }
    }
}

/// A file without a name, and what it holds.
final class TestFile: Sendable {
    let content: [UInt8]
    let open: OpenFile
    /// The length that responses tell.
    let promised: Int
    let isSentByKernel: Bool

    init(size: Int, promised: Int? = nil, isSentByKernel: Bool = false) {
        content = (0..<size).map { index in UInt8(0x61 + (index + index / 4096) % 26) }
        self.promised = promised ?? size
        self.isSentByKernel = isSentByKernel
        let file = OpenFile(adopting: unsafe CLinux_memfd_create("file"))
        open = file
        let written = content.withBytes { unsafe write(file.number, $0.baseAddress, $0.count) }
        precondition(written == size, "a memory file takes what it is given")
    }

    var text: String { String(decoding: content, as: UTF8.self) }
}
