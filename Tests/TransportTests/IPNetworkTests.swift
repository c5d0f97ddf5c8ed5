import Testing

@testable import Transport

@Suite("Networks") struct IPNetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "::1", false),
        ("2001:db8::/32", "2001:db8:1::1", true), ("2001:db8::/32", "2001:db9::1", false), ("::/0", "::1", true),
        ("::/0", "192.0.2.1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("::1", "::1", true),
    ]) func `A network has the addresses that share its bits`(_ network: String, _ address: String, _ isIn: Bool) throws
    {
        let network = try #require(IPNetwork(network))
        #expect(try network.contains(#require(IPAddress(address))) == isIn)
    }

    @Test(arguments: [
        "", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.1/8", "10.0.0/8", "2001:db8::/129", "2001:db8::1/32",
        "10.0.0.0/-1", "10.0.0.0/8/8", "localhost", "::ffff:10.0.0.0/104", "10.0.0.0/+8",
    ]) func `Anything else is not a network`(_ text: String) {
        #expect(IPNetwork(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.1.0.0/16", true), ("10.1.0.0/16", "10.0.0.0/8", false), ("::/0", "10.0.0.0/8", false),
    ])
    func `A network has another one that lies within it`(_ outer: String, _ inner: String, _ isIn: Bool) throws {
        let outer = try #require(IPNetwork(outer))
        #expect(try outer.contains(#require(IPNetwork(inner))) == isIn)
    }

    @Test(arguments: ["192.0.2.1:80", "[2001:db8::1]:443"])
    func `An address goes through a socket address unchanged`(_ text: String) throws {
        let address = try #require(SocketAddress(text))
        let ip = try #require(address.ip)
        #expect(SocketAddress(ip, port: address.port).description == text)
    }

    @Test(arguments: ["192.0.2.1", "2001:db8::1", "::", "10.0.0.0/8", "2001:db8::/32"])
    func `A network is written as it is read`(_ text: String) throws {
        #expect(try #require(IPNetwork(text)).description == text)
    }
}
