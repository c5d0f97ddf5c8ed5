import CLinux
import Glibc
import TestSupport
import Testing
import Transport

@testable import TLS

@Suite("Mapped files on a TLS connection") struct MappedFileTests {
    /// Less than a record, some records, and more than is sent in one call.
    private static let sizes = [10_000, 40_000, 700_000]

    @Test(arguments: sizes) func `What is mapped arrives as it is`(_ size: Int) async throws {
        let content = [UInt8](repeating: 0x78, count: size)
        let received = try await receive(content, truncatedTo: nil)
        #expect(received == Received(content: content, isWhole: true))
    }

    @Test(arguments: sizes) func `Nothing leaves of a file that became shorter`(_ size: Int) async throws {
        for rest in [0, size / 2, size - 1] {
            let received = try await receive([UInt8](repeating: 0x78, count: size), truncatedTo: rest)
            #expect(received == Received())
        }
    }

    @Test(arguments: [0, 9, 100]) func `A piece and what precedes it arrive as they are`(_ size: Int) async throws {
        let content = [UInt8]((0..<700_000).map { UInt8(truncatingIfNeeded: $0 / 7) })
        let received = try await receive(content, truncatedTo: nil, after: [UInt8](repeating: 1, count: size))
        var expected = Received(isWhole: true)
        for start in stride(from: 0, to: content.count, by: Self.pieceCount) {
            expected.content += [UInt8](repeating: 1, count: size) + content[start...].prefix(Self.pieceCount)
        }
        #expect(received == expected)
    }

    @Test func `A connection goes on after a piece that its file has lost`() async throws {
        let content = [UInt8](repeating: 0x78, count: 10_000)
        for rest in [0, 5_000, 9_999] {
            let received = try await receive(content, truncatedTo: rest, after: [1, 2, 3])
            #expect(received == Received(content: Array("the rest".utf8), isWhole: true))
        }
    }

    private static let pieceCount = 16_000

    private struct Received: Equatable {
        var content: [UInt8] = []
        /// Whether the connection ended as TLS requires.
        var isWhole = false
    }

    /// The bytes that a client receives of a file that is mapped, and then truncated, before it is sent.
    ///
    /// - Parameter head: the bytes before each piece, if the file is sent in pieces.
    private func receive(
        _ content: [UInt8], truncatedTo rest: Int?, after head: [UInt8]? = nil
    ) async throws -> Received {
        let authority = TestAuthority()
        let files = TestFiles()
        files.add("a", authority.issue(["a.test"]))
        let store = try #require(try files.loader().load([listener([(["a.test"], ["a"])])]).stores["secure"])
        var settings = TLSClientContext.Settings()
        settings.isVerified = false
        let context = try TLSClientContext(settings, readFile: { _ throws(CertificateProblem) in [] })
        let sockets = connectedSockets()
        return try await withWorker { worker in
            let client = Task(executorPreference: worker) { try await Self.read(sockets.client, on: worker, context) }
            try await worker.run {
                try await Self.send(content, truncatedTo: rest, after: head, sockets.server, on: worker, store)
            }
            return try await client.value
        }
    }

    private static func send(
        _ content: [UInt8], truncatedTo rest: Int?, after head: [UInt8]?, _ socket: Int32, on worker: Worker,
        _ store: CertificateStore
    ) async throws {
        let endpoint = Endpoint.open(socket, on: worker)
        defer { endpoint.close() }
        let stream = try TLSStream(endpoint, certificates: store)
        #expect(await stream.handshake(until: .never) == .done)
        let file = OpenFile(adopting: unsafe CLinux_memfd_create("file"))
        let written = content.withBytes { unsafe write(file.number, $0.baseAddress, $0.count) }
        precondition(written == content.count, "a memory file takes what it is given")
        let mappings = FileMappings(limit: content.count)
        _ = mappings.mapping(of: file, for: 0..<1)
        let mapping = try #require(mappings.mapping(of: file, for: 0..<1))
        if let head {
            if let rest { ftruncate(file.number, off_t(rest)) }
            var sent = 0
            while sent < content.count {
                let end = min(sent + Self.pieceCount, content.count)
                let piece = MappedPiece(mapping, of: file, sent..<end)
                let result = head.withBytes { stream.writePiece(piece.bytes, of: piece, after: $0) }
                switch result {
                case .bytes(let count):
                    #expect(rest == nil && count == head.count + end - sent)
                    sent = end
                case .wouldBlock: #expect(await endpoint.wait(for: .writable, until: .never) == .ready)
                default:
                    #expect(result == .failed(.contentLost) && rest != nil)
                    let end = Array("the rest".utf8)
                    #expect(end.withBytes { stream.write($0) } == .bytes(end.count))
                    sent = content.count
                }
            }
            while stream.flush() != .bytes(0) {
                #expect(await endpoint.wait(for: .writable, until: .never) == .ready)
            }
        } else if let rest {
            ftruncate(file.number, off_t(rest))
            let piece = MappedPiece(mapping, of: file, 0..<content.count)
            let result = worker.passing(piece) { stream.write($0) }
            #expect(result == .failed(.contentLost))
            #expect(stream.flush() == .failed(.contentLost))
        } else {
            var sent = 0
            while sent < content.count || stream.flush() != .bytes(0) {
                let piece = MappedPiece(mapping, of: file, sent..<content.count)
                let result = worker.passing(piece) { $0.isEmpty ? stream.flush() : stream.write($0) }
                switch result {
                case .bytes(let count): sent += count
                default: #expect(await endpoint.wait(for: .writable, until: .never) == .ready)
                }
            }
        }
        stream.finish()
    }

    private static func read(_ socket: Int32, on worker: Worker, _ context: TLSClientContext) async throws -> Received {
        let endpoint = Endpoint.open(socket, on: worker)
        defer { endpoint.close() }
        let stream = try TLSStream(endpoint, to: "a.test", client: context)
        #expect(await stream.handshake(until: .never) == .done)
        var received = Received()
        var room = [UInt8](repeating: 0, count: 32 << 10)
        while true {
            switch room.withMutableBytes({ stream.read(into: $0) }) {
            case .bytes(let count): received.content += room[..<count]
            case .wouldBlock: _ = await endpoint.wait(for: .readable, until: .never)
            case .end:
                received.isWhole = true
                return received
            case .failed: return received
            }
        }
    }
}

private func connectedSockets() -> (client: Int32, server: Int32) {
    var sockets: [Int32] = [0, 0]
    let status = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &sockets)
    precondition(status == 0, "a socket pair can be made")
    for socket in sockets { _ = fcntl(socket, F_SETFL, O_NONBLOCK) }
    return (sockets[0], sockets[1])
}
