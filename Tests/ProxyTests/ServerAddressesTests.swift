import Testing
import Transport

@testable import Proxy

@Suite("Addresses of a server")
struct ServerAddressesTests {
    private func address(_ last: Int) throws -> SocketAddress {
        SocketAddress(try #require(IPAddress("192.0.2.\(last)")), port: 80)
    }

    private let now = Deadline(milliseconds: 1000)

    @Test("Each comes first in its turn, and the others behind it")
    func takesTurns() throws {
        var addresses = ServerAddresses(try (1...3).map(address))
        #expect(addresses.takeOrder(at: now) == [0, 1, 2])
        #expect(addresses.takeOrder(at: now) == [1, 2, 0])
        #expect(addresses.takeOrder(at: now) == [2, 0, 1])
        #expect(addresses.takeOrder(at: now) == [0, 1, 2])
    }

    @Test("One that failed comes last for a while")
    func avoids() throws {
        var addresses = ServerAddresses(try (1...3).map(address))
        addresses.noteFailure(of: 1, at: now)
        #expect(addresses.takeOrder(at: now) == [0, 2, 1])
        #expect(addresses.takeOrder(at: now) == [2, 0, 1])
        #expect(addresses.takeOrder(at: now) == [2, 0, 1])
        let later = now.advanced(by: ServerAddresses.avoidance)
        #expect(addresses.takeOrder(at: later) == [0, 1, 2])
        #expect(addresses.takeOrder(at: later) == [1, 2, 0])
    }

    @Test("What is known of an address outlives a new answer that has it")
    func keepsWhatIsKnown() throws {
        var addresses = ServerAddresses(try (1...2).map(address))
        addresses.noteFailure(of: 0, at: now)
        addresses.replace(with: [try address(3), try address(1)])
        #expect(addresses.takeOrder(at: now) == [0, 1])
        #expect(addresses.takeOrder(at: now) == [0, 1])
        addresses.replace(with: [])
        #expect(addresses.takeOrder(at: now) == [])
    }

    @Test("Of several failures the one that came furthest is told")
    func ranksFailures() {
        let failures: [ProxyFailure] = [
            .noServer, .connectFailed(.system(101)), .connectTimeout, .connectFailed(.system(111)),
            .handshakeFailed("x"),
        ]
        let progress = failures.map(\.connectProgress)
        #expect(progress == progress.sorted() && Set(progress).count == progress.count)
    }
}
