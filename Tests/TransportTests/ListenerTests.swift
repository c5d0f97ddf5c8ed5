import Glibc
import Memory
import Testing
import TestSupport

@testable import Transport

@Suite("Listener")
struct ListenerTests {
    @Test("Port 0 becomes a port the system chose", arguments: ["127.0.0.1:0", "[::1]:0"])
    func choosesPort(text: String) throws {
        let socket = try ListeningSocket(#require(SocketAddress(text)), exclusive: true)
        #expect(socket.address.port != 0)
        #expect(socket.address.host == SocketAddress(text)?.host)
    }

    @Test("An address is shared by sockets that do not ask to have it alone")
    func shares() throws {
        let first = try ListeningSocket(.loopback, exclusive: true)
        let second = try ListeningSocket(first.address, exclusive: false)
        #expect(second.address.port == first.address.port)
    }

    @Test("An address that somebody else has is refused to who wants it alone")
    func excludes() throws {
        let first = try ListeningSocket(.loopback, exclusive: true)
        let address = first.address
        #expect(throws: TransportFailure.system(EADDRINUSE)) { try ListeningSocket(address, exclusive: true) }
        #expect(first.address.port == address.port)
    }

    @Test("An address is free again when its socket is gone")
    func freesAddress() throws {
        let address = try ListeningSocket(.loopback, exclusive: true).address
        _ = try ListeningSocket(address, exclusive: true)
    }

    @Test("An IPv6 socket leaves the IPv4 address of its port alone")
    func separatesFamilies() throws {
        let six = try ListeningSocket(#require(SocketAddress("[::]:0")), exclusive: true)
        let four = try #require(SocketAddress("0.0.0.0:0")).with(port: six.address.port)
        #expect(throws: Never.self) { try ListeningSocket(four, exclusive: true) }
    }

    @Test("An accepted connection knows both its addresses and talks both ways")
    func accepts() async throws {
        let socket = try ListeningSocket(.loopback, exclusive: true)
        let address = socket.address
        try await serve(socket, admitting: true) {
            let peer = try #require(Peer.connect(to: address))
            peer.send("x")
            let answer = try #require(peer.receiveToEnd()).split(separator: " ")
            #expect(answer.first == "\(address.description)")
            #expect(answer.last?.hasPrefix("127.0.0.1:") == true)
        }
    }

    @Test("A connection that is not admitted is closed unheard")
    func refuses() async throws {
        let socket = try ListeningSocket(.loopback, exclusive: true)
        let address = socket.address
        try await serve(socket, admitting: false) {
            let peer = try #require(Peer.connect(to: address))
            #expect(peer.receiveToEnd() == "")
        }
    }

    @Test("Many connections at once are all accepted")
    func acceptsMany() async throws {
        let socket = try ListeningSocket(.loopback, exclusive: true)
        let address = socket.address
        try await serve(socket, admitting: true) {
            let peers = (0..<200).compactMap { _ in Peer.connect(to: address) }
            #expect(peers.count == 200)
            for peer in peers { peer.send("x") }
            #expect(peers.allSatisfy { $0.receiveToEnd()?.isEmpty == false })
        }
    }

    /// Listens on a worker while `body` runs.
    private func serve(
        _ socket: sending ListeningSocket, admitting isAdmitting: Bool, _ body: () throws -> Void
    ) async throws {
        let server = Server(socket, isAdmitting: isAdmitting)
        try await withWorker { worker in
            try await worker.run { server.listen(on: worker) }
            defer { worker.perform { _ in server.close() } }
            try body()
        }
    }
}

/// Tells each client the two addresses of its connection; touched by one worker.
private final class Server: ListenerDelegate, @unchecked Sendable {
    private let socket: ListeningSocket
    private let isAdmitting: Bool
    private var listener: Listener?

    init(_ socket: sending ListeningSocket, isAdmitting: Bool) {
        self.socket = socket
        self.isAdmitting = isAdmitting
    }

    func listen(on worker: Worker) {
        listener = Listener(socket, on: worker, delegate: self)
    }

    func close() {
        listener?.close()
        listener = nil
    }

    func admits(_ remote: SocketAddress, on listener: Listener) -> Bool { isAdmitting }

    func accepted(_ endpoint: Endpoint, on listener: Listener) {
        Task(executorPreference: endpoint.worker) {
            _ = await endpoint.wait(for: .readable, until: .never)
            _ = withTemporaryBytes(16) { endpoint.receive(into: $0) }
            let text = "\(endpoint.localAddress.description) \(endpoint.remoteAddress.description)"
            _ = Array(text.utf8).withBytes { endpoint.send($0) }
            endpoint.close()
        }
    }

    func notOpened(_ errno: Int32, on listener: Listener) {}
    func acceptFailed(_ errno: Int32, on listener: Listener) {}
}
