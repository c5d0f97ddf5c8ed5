import Glibc
import Memory
import Testing
import TestSupport

@testable import Transport

@Suite("Endpoint")
struct EndpointTests {
    @Test("A wait ends when bytes arrive, and an emptied socket is not asked again")
    func becomesReadable() async throws {
        try await withEndpoint { endpoint, peer in
            #expect(endpoint.read() == .wouldBlock(.readable))
            peer.send("abc")
            #expect(await endpoint.wait(for: .readable, until: .never) == .ready)
            #expect(endpoint.read() == .bytes(3))
            #expect(!endpoint.mayReceive)
            #expect(endpoint.read() == .wouldBlock(.readable))
        }
    }

    @Test("What fits no more is sent once the peer has made room")
    func becomesWritable() async throws {
        try await withEndpoint { endpoint, peer in
            let bytes = [UInt8](repeating: 7, count: 64 << 10)
            var sent = 0
            while case .bytes(let count) = bytes.withBytes({ endpoint.send($0) }) { sent += count }
            var received = 0
            while received < sent { received += peer.receive()?.count ?? sent }
            #expect(received == sent)
            #expect(await endpoint.wait(for: .writable, until: .never) == .ready)
        }
    }

    @Test("Sends for the turn's end leave when the turn's tasks have run, and before a later send")
    func sendsAtEndOfTurn() async throws {
        try await withEndpoint { endpoint, peer in
            #expect(endpoint.sendLate("first ") == .bytes(6))
            #expect(!peer.hasBytes)
            await endpoint.worker.nextTurn()
            #expect(peer.hasBytes)
            #expect(endpoint.sendLate("second ") == .bytes(7))
            #expect(endpoint.sendNow("third") == .bytes(5))
            #expect(peer.receiveText(18) == "first second third")
        }
    }

    @Test("More sends than a batch has room for keep their order")
    func fillsBatches() async throws {
        try await withEndpoint { endpoint, peer in
            for number in 0..<100 { #expect(endpoint.sendLate("\(number % 10)") == .bytes(1)) }
            #expect(!endpoint.hasRest)
            #expect(peer.receiveText(100) == String(repeating: "0123456789", count: 10))
        }
    }

    @Test("What a full socket does not take at the turn's end follows in order when the peer makes room")
    func keepsRest() async throws {
        try await withEndpoint { endpoint, peer in
            let piece = [UInt8]((0..<4096).map { UInt8($0 % 251) })
            var sent = 0
            while !endpoint.hasRest {
                #expect(piece.withBytes { endpoint.sendAtEndOfTurn($0) } == .bytes(piece.count))
                sent += 1
            }
            #expect(endpoint.sendLate("more") == .wouldBlock(.writable))
            #expect(endpoint.sendNow("more") == .wouldBlock(.writable))
            var received: [UInt8] = []
            while received.count < sent * piece.count {
                if peer.hasBytes {
                    received += peer.receive() ?? []
                } else {
                    #expect(await endpoint.wait(for: .writable, until: .never) == .ready)
                }
            }
            #expect(!endpoint.hasRest)
            #expect(received == Array(repeatElement(piece, count: sent).joined()))
        }
    }

    @Test("A connection that a send at the turn's end finds broken is broken for the next read")
    func losesLateSends() async throws {
        try await withEndpoint { endpoint, peer in
            peer.hangUp()
            #expect(endpoint.sendLate("lost") == .bytes(4))
            #expect(!endpoint.hasRest)
            #expect(endpoint.read() == .failed(.reset))
            #expect(endpoint.sendLate("lost") == .failed(.reset))
        }
    }

    @Test("The peer's end comes after its last bytes")
    func sawEnd() async throws {
        try await withEndpoint { endpoint, peer in
            peer.send("last")
            peer.finishSending()
            #expect(await endpoint.wait(for: .readable, until: .never) == .ready)
            #expect(endpoint.peerFinished)
            #expect(endpoint.read() == .bytes(4))
            #expect(endpoint.read() == .end)
        }
    }

    @Test("A wait gives up at its deadline and not before")
    func meetsDeadline() async throws {
        try await withEndpoint { endpoint, _ in
            let deadline = endpoint.worker.now.advanced(by: .milliseconds(20))
            #expect(await endpoint.wait(for: .readable, until: deadline) == .deadline)
            #expect(endpoint.worker.now >= deadline)
        }
    }

    @Test("A deadline of an earlier wait does not end a later one")
    func forgetsOldDeadlines() async throws {
        try await withEndpoint { endpoint, peer in
            let early = endpoint.worker.now.advanced(by: .milliseconds(5))
            peer.send("x")
            #expect(await endpoint.wait(for: .readable, until: early) == .ready)
            #expect(endpoint.read() == .bytes(1))
            let late = endpoint.worker.now.advanced(by: .milliseconds(40))
            #expect(await endpoint.wait(for: .readable, until: late) == .deadline)
            #expect(endpoint.worker.now >= late)
        }
    }

    @Test("A signal from another thread ends a wait for it")
    func isSignalled() async throws {
        try await withEndpoint { endpoint, _ in
            Task.detached { endpoint.signal() }
            #expect(await endpoint.wait(for: .signal, until: .never) == .signalled)
        }
    }

    @Test("A signal during another wait is kept for the next wait that asks for it")
    func keepsSignals() async throws {
        try await withEndpoint { endpoint, _ in
            endpoint.signal()
            let soon = endpoint.worker.now.advanced(by: .milliseconds(10))
            #expect(await endpoint.wait(for: .readable, until: soon) == .deadline)
            #expect(await endpoint.wait(for: .signal, until: .never) == .signalled)
        }
    }

    @Test("Signals that meet on their way are one; a later one counts again")
    func joinsSignals() async throws {
        try await withEndpoint { endpoint, _ in
            endpoint.signal()
            endpoint.signal()
            #expect(await endpoint.wait(for: .signal, until: .never) == .signalled)
            let soon = endpoint.worker.now.advanced(by: .milliseconds(10))
            #expect(await endpoint.wait(for: .signal, until: soon) == .deadline)
            endpoint.signal()
            #expect(await endpoint.wait(for: .signal, until: .never) == .signalled)
        }
    }

    @Test("A peer that closes both directions ends a wait for hangup")
    func hearsHangup() async throws {
        try await withEndpoint { endpoint, peer in
            peer.hangUp()
            #expect(await endpoint.wait(for: .hangup, until: .never) == .hangup)
            #expect(endpoint.isHungUp)
        }
    }

    @Test("A closed endpoint hears nothing more, although a child process may hold its socket")
    func leavesItsWorker() async throws {
        let (descriptor, peer) = socketPair()
        let inherited = dup(descriptor)
        defer { close(inherited) }
        try await withWorker { worker in
            try await worker.run {
                Endpoint.open(descriptor, on: worker).close()
                peer.send("late")
                for _ in 0..<3 { await worker.nextTurn() }
                #expect(worker.connectionCount == 0)
            }
        }
    }

    @Test("A drain ends the waits that ask for it")
    func hearsDrain() async throws {
        try await withEndpoint { endpoint, _ in
            endpoint.worker.perform { $0.drain() }
            #expect(await endpoint.wait(for: .readable | .drain, until: .never) == .draining)
            #expect(endpoint.worker.isDraining)
        }
    }

    @Test("A drain does not disturb other waits")
    func ignoresDrain() async throws {
        try await withEndpoint { endpoint, _ in
            endpoint.worker.perform { $0.drain() }
            let soon = endpoint.worker.now.advanced(by: .milliseconds(10))
            #expect(await endpoint.wait(for: .readable, until: soon) == .deadline)
        }
    }

    @Test("An abort ends every wait, later ones included")
    func isAborted() async throws {
        try await withEndpoint { endpoint, _ in
            endpoint.worker.perform { $0.abortConnections() }
            #expect(await endpoint.wait(for: .readable, until: .never) == .aborted)
            #expect(await endpoint.wait(for: .writable, until: .never) == .aborted)
        }
    }

    @Test("Sending to a peer that is gone is a reset")
    func sendsToNobody() async throws {
        try await withEndpoint { endpoint, peer in
            peer.hangUp()
            let result = [1, 2, 3].withBytes { endpoint.send($0) }
            #expect(result == .failed(.reset))
        }
    }

    /// Runs `body` as a task of a worker, with one end of a socket pair as endpoint.
    private func withEndpoint(_ body: @escaping @Sendable (Endpoint, Peer) async -> Void) async throws {
        let (descriptor, peer) = socketPair()
        try await withWorker { worker in
            try await worker.run {
                let endpoint = Endpoint.open(descriptor, on: worker)
                await body(endpoint, peer)
                endpoint.close()
            }
        }
    }
}

extension Endpoint {
    /// Receives into memory that is dropped.
    fileprivate func read() -> IOResult {
        withTemporaryBytes(4096) { receive(into: $0) }
    }

    fileprivate func sendNow(_ text: String) -> IOResult {
        Array(text.utf8).withBytes { send($0) }
    }

    fileprivate func sendLate(_ text: String) -> IOResult {
        Array(text.utf8).withBytes { sendAtEndOfTurn($0) }
    }
}
