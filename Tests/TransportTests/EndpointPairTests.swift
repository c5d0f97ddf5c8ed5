import Memory
import TestSupport
import Testing
import Transport

/// Two endpoints of one worker, with their peers, that one task waits for.
struct EndpointPairTests {
    private func withPair<Result: Sendable>(
        _ body: @escaping @Sendable (Endpoint, Peer, Endpoint, Peer) async -> Result
    ) async throws -> Result {
        let first = socketPair()
        let second = socketPair()
        return try await withWorker { worker in
            try await worker.run {
                let client = Endpoint.open(first.descriptor, on: worker)
                let server = Endpoint.open(second.descriptor, on: worker)
                defer {
                    client.close()
                    server.close()
                }
                return await body(client, first.peer, server, second.peer)
            }
        }
    }

    @Test func `bytes at either endpoint end the wait for both`() async throws {
        let wakes = try await withPair { client, clientPeer, server, serverPeer in
            var wakes: [Wake] = []
            serverPeer.send("x")
            wakes.append(await client.wait(for: .readable, or: .readable, on: server, until: .never))
            let byServer = server.mayReceive && !client.mayReceive
            clientPeer.send("x")
            wakes.append(await client.wait(for: .readable, until: .never))
            return (wakes, byServer)
        }
        #expect(wakes.0 == [.ready, .ready])
        #expect(wakes.1)
    }

    @Test func `a peer that finishes sending ends a wait for that`() async throws {
        let wake = try await withPair { client, clientPeer, server, _ in
            clientPeer.finishSending()
            return await client.wait(for: .finished, or: .readable, on: server, until: .never)
        }
        #expect(wake == .hangup)
    }

    @Test func `a deadline ends the wait for both`() async throws {
        let wake = try await withPair { client, _, server, _ in
            await client.wait(
                for: .readable, or: .readable, on: server, until: client.worker.now.advanced(by: .milliseconds(20)))
        }
        #expect(wake == .deadline)
    }

    @Test func `a connection is quiet until its peer sends or closes`() async throws {
        let quiet = try await withPair { client, _, server, serverPeer in
            let before = server.confirmQuiet()
            serverPeer.send("x")
            return (before, server.confirmQuiet())
        }
        #expect(quiet.0)
        #expect(!quiet.1)
    }
}

struct ConnectTests {
    @Test func `a connection to nobody fails`() async throws {
        let failure = try await withWorker { worker in
            try await worker.run { () -> TransportFailure? in
                do {
                    let endpoint = try Endpoint.connect(to: SocketAddress("127.0.0.1:1")!, on: worker)
                    defer { endpoint.close() }
                    _ = await endpoint.wait(for: .writable, until: .never)
                    return endpoint.connectFailure()
                } catch {
                    return error as? TransportFailure
                }
            }
        }
        #expect(failure == .system(111))
    }

    @Test func `a connection to a listener stands and carries bytes`() async throws {
        let listening = try ListeningSocket(.loopback, exclusive: false)
        let address = listening.address
        let isConnected = try await withWorker { worker in
            try await worker.run { () -> Bool in
                let endpoint = try Endpoint.connect(to: address, on: worker)
                defer { endpoint.close() }
                _ = await endpoint.wait(for: .writable, until: .never)
                return endpoint.connectFailure() == nil
            }
        }
        #expect(isConnected)
    }
}

struct SocketAddressTextTests {
    @Test func `a host is written as it is told`() {
        for text in ["127.0.0.1:1", "[2001:db8::1]:2"] {
            let address = SocketAddress(text)!
            let memory = OwnedBytes(count: SocketAddress.maximumHostText)
            let count = address.writeHost(to: memory.room)
            let text = memory.view[..<count]
            #expect(String(decoding: text, as: UTF8.self) == address.host)
        }
    }

    @Test func `a socket in the file system is an address without a port`() {
        let address = SocketAddress(unixPath: "/run/app.sock")
        #expect(address?.description == "unix:/run/app.sock")
        #expect(address?.port == 0)
        #expect(SocketAddress(unixPath: String(repeating: "x", count: 108)) == nil)
    }
}
