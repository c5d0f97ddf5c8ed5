import COpenSSL
import Glibc
import TestSupport
import Testing
import Transport

@testable import TLS

@Suite("Streams") struct TLSStreamTests {
    /// nil for TLS 1.2; OpenSSL writes its records, and those of CCM.
    static let suites = [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
        nil,
    ]

    private let store: CertificateStore

    init() throws {
        let files = TestFiles()
        files.add("a", TestAuthority().issue(["a.test"]))
        var policy = TLSPolicy()
        policy.suites = Self.suites.compactMap(\.self).joined(separator: ":")
        let set = try files.loader().load([listener([(["a.test"], ["a"])], policy: policy)])
        store = try #require(set.stores["secure"])
    }

    /// Runs a client against `serve`, which gets the stream after its handshake.
    private func connect<Result: Sendable>(
        _ suite: String? = "TLS_AES_128_GCM_SHA256", on worker: Worker,
        to serve: @escaping @Sendable (TLSStream) async -> Void,
        client: @escaping @Sendable (StreamClient) -> Result
    ) async throws -> Result {
        var descriptors: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(unsafe socketpair(AF_UNIX, type, 0, &descriptors) == 0)
        _ = fcntl(descriptors[0], F_SETFL, O_NONBLOCK)
        let peer = StreamClient(descriptors[1], suite: suite)
        let store = store
        let descriptor = descriptors[0]
        async let result = onThread { peer.connect() ? client(peer) : nil }
        try await worker.run {
            let stream = try TLSStream(Endpoint.open(descriptor, on: worker), certificates: store)
            defer { stream.endpoint.close() }
            guard await stream.handshake(until: .never) == .done else { return }
            await serve(stream)
        }
        return try #require(await result)
    }

    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test(arguments: suites) func `What is written arrives, whatever its size`(_ suite: String?) async throws {
        let sizes = [1, 13, 4096, 16383, 16384, 16385, 98_304, 250_000, 2]
        let got = try await withWorker { worker in
            try await connect(suite, on: worker) { stream in
                for size in sizes { await stream.sendAll(Self.pattern(size)) }
                stream.finish()
            } client: { client in
                (sizes.map { client.read($0) == Self.pattern($0) }, client.end())
            }
        }
        #expect(got.0 == sizes.map { _ in true })
        #expect(got.1 == "")
    }

    @Test(arguments: suites) func `What is received is whole, also where a reader has room for parts of records`(
        _ suite: String?
    ) async throws {
        let sizes = [1, 1023, 1024, 1025, 16383, 16384, 16385, 50_000]
        let got = try await withWorker { worker in
            try await connect(suite, on: worker) { stream in
                while let text = await stream.receive() { await stream.sendAll(text) }
                stream.finish()
            } client: { client in
                let echoes = sizes.map { size in
                    let text = String(decoding: Self.pattern(size).map { $0 % 64 + 32 }, as: UTF8.self)
                    return client.send(text) && client.read(size).elementsEqual(text.utf8)
                }
                client.finish()
                return (echoes, client.end())
            }
        }
        #expect(got.0 == sizes.map { _ in true })
        #expect(got.1 == "")
    }

    @Test(arguments: suites) func `What may leave late arrives in order`(_ suite: String?) async throws {
        let got = try await withWorker { worker in
            try await connect(suite, on: worker) { stream in
                for digit in UInt8(48)..<58 {
                    let piece = [digit]
                    let taken = piece.withBytes { stream.writeAtEndOfTurn($0) }
                    #expect(taken == .bytes(1))
                }
                await stream.endpoint.worker.nextTurn()
                stream.finish()
            } client: { client in
                String(decoding: client.read(11), as: UTF8.self) + client.end()
            }
        }
        #expect(got == "0123456789")
    }

    @Test func `A client that asks for new keys gets them, each time`() async throws {
        let got = try await withWorker { worker in
            try await connect(on: worker) { stream in
                while let text = await stream.receive() { await stream.sendAll(text) }
            } client: { client in
                var answers = ""
                for text in ["one", "two", "three"] {
                    client.requestKeyUpdate()
                    guard client.send(text) else { break }
                    answers += String(decoding: client.read(text.utf8.count), as: UTF8.self)
                }
                client.finish()
                return (answers, client.keyUpdates)
            }
        }
        #expect(got.0 == "onetwothree")
        #expect(got.1 == 3)
    }

    @Test(arguments: suites) func `A record that cannot be decrypted is answered with an alert`(
        _ suite: String?
    ) async throws {
        let got = try await withWorker { worker in
            try await connect(suite, on: worker) { stream in
                await stream.sendAll(Array("hello".utf8))
                #expect(await stream.receive() == nil)
                stream.finish()
            } client: { client in
                let greeting = client.read(5)
                client.sendRaw([23, 3, 3, 0, 32] + [UInt8](repeating: 7, count: 32))
                return String(decoding: greeting, as: UTF8.self) + ": " + client.end()
            }
        }
        // The text before these differs between versions of OpenSSL.
        #expect(got.hasPrefix("hello: ") && got.hasSuffix(" alert bad record mac"))
    }

    @Test func `More connections than contexts take turns with them`() async throws {
        let count = RecordContexts.limit + 5
        try await withWorker { worker in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        try await connect(on: worker) { stream in
                            while let text = await stream.receive() { await stream.sendAll(text) }
                        } client: { client in
                            let isRight = (0..<20).allSatisfy { round in
                                client.send("round \(round)") && client.read("round \(round)".utf8.count).count > 6
                            }
                            client.finish()
                            return isRight
                        }
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }
}

/// The result of `body` on a separate thread: clients block, which threads of tasks must not do.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { waiting in
        let work = Work { waiting.resume(returning: body()) }
        var thread = pthread_t()
        let status = unsafe pthread_create(&thread, nil, runWork, Unmanaged.passRetained(work).toOpaque())
        precondition(status == 0, "a thread can be created")
        pthread_detach(thread)
    }
}

private final class Work: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

private let runWork: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { work in
    unsafe Unmanaged<Work>.fromOpaque(work!).takeRetainedValue().run()
    return nil
}

extension TLSStream {
    /// Waits until all of `bytes` have been sent, or the connection has ended.
    fileprivate func sendAll(_ bytes: [UInt8]) async {
        var taken = 0
        while true {
            let result =
                taken < bytes.count
                ? bytes[taken...].withBytes { write($0, isMoreComing: false) } : flush()
            switch result {
            case .bytes(let count):
                if taken == bytes.count { return }
                taken += count
            case .wouldBlock(let interest): _ = await endpoint.wait(for: interest, until: .never)
            case .end, .failed: return
            }
        }
    }

    /// The next bytes; nil at the end.
    fileprivate func receive() async -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1024)
        while true {
            switch buffer.withMutableBytes({ read(into: $0) }) {
            case .bytes(let count): return Array(buffer[..<count])
            case .wouldBlock(let interest):
                guard await endpoint.wait(for: interest, until: .never) == .ready else { return nil }
            case .end, .failed: return nil
            }
        }
    }
}
