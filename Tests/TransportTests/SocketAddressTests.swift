import Testing

@testable import Transport

@Suite("Socket addresses")
struct SocketAddressTests {
    @Test(
        "A numeric address with a port is read and written back in its usual form",
        arguments: [
            ("127.0.0.1:8443", "127.0.0.1", 8443, false), ("0.0.0.0:0", "0.0.0.0", 0, false),
            ("[::1]:65535", "::1", 65535, true), ("[2001:DB8:0:0:0:0:0:1]:80", "2001:db8::1", 80, true),
        ] as [(String, String, UInt16, Bool)])
    func reads(text: String, host: String, port: UInt16, isIPv6: Bool) throws {
        let address = try #require(SocketAddress(text))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isIPv6 == isIPv6)
        #expect(address.description == (isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"))
    }

    @Test(
        "Anything else is no address",
        arguments: [
            "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+80",
            "127.0.0.1:8o",
            "127.0.0:80", "256.0.0.1:80", "localhost:80", "::1:80", "[::1]", "[::1", "[127.0.0.1]:80", "[::1%lo]:80",
            "[]:80", " 127.0.0.1:80",
        ])
    func refuses(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test("A change of port leaves the host", arguments: ["127.0.0.1:1", "[::1]:1"])
    func changesPort(text: String) throws {
        let address = try #require(SocketAddress(text)).with(port: 0xABCD)
        #expect(address.port == 0xABCD)
        #expect(address.host == SocketAddress(text)?.host)
    }
}
