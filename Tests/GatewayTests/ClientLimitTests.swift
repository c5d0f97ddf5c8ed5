import Testing
import Transport

@testable import Gateway

@Suite("Limits of clients") struct ClientLimitTests {
    private static func key(_ text: String) throws -> ClientKey { ClientKey(try #require(IPAddress(text))) }

    @Test(arguments: [
        ("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "2001:db8::2"),
        ("2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff"), ("2001:db8::", "2001:db8:0:0:8000::"),
    ])
    func `Addresses of one client have one key`(_ one: String, _ other: String) throws {
        #expect(try Self.key(one) == Self.key(other))
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.2"), ("2001:db8:0:1::1", "2001:db8:0:2::1"), ("0.0.0.0", "::"), ("0.0.0.1", "::1"),
        ("2001:db8:0:1::", "2001:db8:1::"),
    ])
    func `Addresses are told apart by all of IPv4 and the first half of IPv6`(_ one: String, _ other: String) throws {
        #expect(try Self.key(one) != Self.key(other))
    }

    @Test func `A client has as many connections as it may, and another one when one ends`() throws {
        let clients = ClientConnections(limit: 2)
        let (one, other) = (try Self.key("192.0.2.1"), try Self.key("192.0.2.2"))
        #expect([clients.enter(one), clients.enter(one), clients.enter(one)] == [true, true, false])
        #expect(clients.enter(other))
        clients.leave(one)
        #expect([clients.enter(one), clients.enter(one)] == [true, false])
    }

    @Test func `Nothing is kept of a client without a connection`() throws {
        let clients = ClientConnections(limit: 10)
        let keys = try (1...200).map { try Self.key("10.0.0.\($0)") }
        for key in keys { #expect(clients.enter(key)) }
        for key in keys { #expect(clients.enter(key)) }
        #expect(clients.count == 200)
        for key in keys + keys { clients.leave(key) }
        #expect(clients.count == 0)
    }

    @Test func `A lower limit lets connections stay, and none be added`() throws {
        let clients = ClientConnections(limit: 3)
        let key = try Self.key("192.0.2.1")
        for _ in 0..<3 { #expect(clients.enter(key)) }
        clients.limit = 1
        #expect(!clients.enter(key))
        for _ in 0..<3 { clients.leave(key) }
        #expect(clients.enter(key))
    }

    @Test func `Counts of several workers are one`() {
        let counts = [("b", "x", 2), ("a", "y", 1), ("b", "x", 3)].map {
            RefusalCount(topic: $0.0, reason: $0.1, count: $0.2)
        }
        #expect(
            RefusalCount.sum(of: counts) == [
                RefusalCount(topic: "a", reason: "y", count: 1), RefusalCount(topic: "b", reason: "x", count: 5),
            ])
    }

    // MARK: Configuration

    private static func limits(_ text: String) throws -> LimitsConfiguration {
        try decode(
            """
            version: 1
            listeners: { plain: { bind: ["127.0.0.1:80"] } }
            limits: \(text)
            sites: [{ hosts: ["*"], routes: [{ path: /, respond: {} }] }]
            """
        ).limits
    }

    @Test func `Limits of clients are read`() throws {
        let limits = try Self.limits(
            """
            { client_connections: 7, client_handshakes: 30/m, client_handshake_burst: 5, client_table: 128,
              min_request_rate: 1K, min_response_rate: 2K, rate_grace: 1s, response_timeout: 2h }
            """)
        #expect(limits.clientConnections == 7)
        #expect(
            limits.clientHandshakes
                == .init(requests: 30, period: .seconds(60), burst: 5, key: .address, keys: 128))
        #expect(limits.clientHandshakes?.frequency == "30/m")
        #expect([limits.minRequestRate, limits.minResponseRate] == [1024, 2048])
        #expect(limits.rateGrace == .seconds(1))
        #expect(limits.responseTimeout == .seconds(7200))
    }

    @Test func `A rate of handshakes without a burst allows as many at once`() throws {
        #expect(try Self.limits("{ client_handshakes: 30/s }").clientHandshakes?.burst == 30)
        #expect(try Self.limits("{}").clientHandshakes?.burst == 1000)
    }

    @Test func `Each limit of clients can be off`() throws {
        let limits = try Self.limits(
            """
            { client_connections: off, client_handshakes: off, min_request_rate: off, min_response_rate: off,
              response_timeout: off }
            """)
        #expect(limits.clientConnections == nil && limits.clientHandshakes == nil && limits.responseTimeout == nil)
        #expect([limits.minRequestRate, limits.minResponseRate] == [0, 0])
    }

    @Test(arguments: [
        ("client_connections: 0", "3:31", "client_connections must be from 1 to 1000000, found '0'"),
        ("client_handshakes: 0/s", "3:30", "expected a number of requests in a time, such as 10/s"),
        ("client_handshakes: 10", "3:30", "expected a number of requests in a time, such as 10/s"),
        ("client_handshake_burst: 0", "3:35", "client_handshake_burst must be from 1 to 1000000, found '0'"),
        ("client_table: 10", "3:25", "client_table must be from 64 to 10000000, found '10'"),
        ("min_request_rate: 0", "3:29", "min_request_rate must be from 1 to 1G, found '0'"),
        ("min_response_rate: 240/s", "3:30", "expected a size such as 512, 64K, 10M or 1G for min_response_rate"),
        ("rate_grace: 2h", "3:23", "rate_grace must be from 0s to 1h, found '2h'"),
        ("response_timeout: 0s", "3:29", "response_timeout must be from 1s to 30d, found '0s'"),
        (
            "client_handshakes: off, client_table: 100", "3:49",
            "client_table has no meaning when client_handshakes is off"
        ),
    ])
    func `A mistaken limit of clients is told with its place`(_ text: String, _ place: String, _ message: String) throws
    {
        let error = #expect(throws: ConfigurationErrors.self) { try Self.limits("{ \(text) }") }
        let description = try #require(error).description
        #expect(description.contains(":\(place): error: \(message)"), "\(description)")
    }
}
