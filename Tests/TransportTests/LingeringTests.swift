import TestSupport
import Testing

@testable import Transport

/// Connections that end while their peer is still sending.
struct LingeringTests {
    /// Ends an endpoint that has said "bye" by `end`, while its peer does `act` on a thread of its own.
    private func ending<Result: Sendable>(
        _ limits: LingerLimits = LingerLimits(), by end: @escaping @Sendable (Endpoint, LingerLimits) async -> Void,
        while act: @escaping @Sendable (Peer) -> Result
    ) async throws -> (result: Result, milliseconds: UInt64) {
        let (descriptor, peer) = socketPair()
        return try await withWorker { worker in
            async let result = onThread {
                defer { peer.hangUp() }
                return act(peer)
            }
            let milliseconds = try await worker.run {
                let endpoint = Endpoint.open(descriptor, on: worker)
                let word = Array("bye".utf8)
                #expect(word.withBytes { endpoint.send($0) } == .bytes(3))
                let began = worker.now
                await end(endpoint, limits)
                await worker.nextTurn()
                return worker.now.milliseconds - began.milliseconds
            }
            return (await result, milliseconds)
        }
    }

    private static let some = [UInt8](repeating: 1, count: 100_000)

    /// Limits that no test waits for, however busy the machine is.
    private static var patient: LingerLimits {
        var limits = LingerLimits()
        limits.time = .seconds(600)
        limits.pause = .seconds(600)
        return limits
    }

    @Test func `A peer that sends on reads all that it was told`() async throws {
        let got = try await ending(Self.patient, by: { await $0.closeLingering($1) }) { peer in
            for _ in 0..<20 { peer.send(Self.some) }
            return peer.receiveToEnd()
        }
        #expect(got.result == "bye")
        #expect(got.milliseconds < 600_000)
    }

    @Test func `Nobody waits for what lingers aside`() async throws {
        let got = try await ending(Self.patient, by: { $0.closeLingeringAside($1) }) { peer in
            for _ in 0..<20 { peer.send(Self.some) }
            return peer.receiveToEnd()
        }
        #expect(got.result == "bye")
    }

    @Test func `A peer that stays is left when the time is over`() async throws {
        var limits = LingerLimits()
        limits.time = .milliseconds(30)
        let got = try await ending(limits, by: { await $0.closeLingering($1) }) { peer in
            peer.waitUntilRefused()
            return peer.receiveToEnd()
        }
        #expect(got.result == "bye")
        #expect(got.milliseconds >= 30)
    }

    @Test func `A peer that falls silent is left when its pause is over`() async throws {
        var limits = Self.patient
        limits.pause = .milliseconds(30)
        let got = try await ending(limits, by: { await $0.closeLingering($1) }) { peer in
            peer.send("last")
            peer.waitUntilRefused()
            return true
        }
        #expect((30..<600_000).contains(got.milliseconds))
    }

    @Test func `A peer that sends without end is left when it has sent enough`() async throws {
        var limits = Self.patient
        limits.bytes = 3 << 20
        let got = try await ending(limits, by: { await $0.closeLingering($1) }) { peer in
            let piece = [UInt8](repeating: 2, count: 1 << 20)
            for count in 1...1024 {
                peer.send(piece)
                if peer.isRefused { return count }
            }
            return Int.max
        }
        #expect((3...8).contains(got.result))
    }

    @Test func `A stop of the gateway ends the lingering`() async throws {
        let got = try await ending(Self.patient) { endpoint, limits in
            endpoint.worker.perform { $0.abortConnections() }
            await endpoint.closeLingering(limits)
        } while: { peer in
            peer.waitUntilRefused()
            return true
        }
        #expect(got.milliseconds < 600_000)
    }
}
