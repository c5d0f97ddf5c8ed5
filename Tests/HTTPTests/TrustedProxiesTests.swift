import Testing

@testable import HTTP
@testable import Transport

@Suite("Clients that trusted proxies name") struct TrustedProxiesTests {
    @Test(arguments: [
        (["192.0.2.7"], "192.0.2.7"), (["192.0.2.7, 10.0.0.2"], "192.0.2.7"), (["1.1.1.1, 192.0.2.7"], "192.0.2.7"),
        (["1.1.1.1, 192.0.2.7, 10.0.0.3, 10.0.0.2"], "192.0.2.7"), (["192.0.2.7", "10.0.0.2"], "192.0.2.7"),
        (["1.1.1.1", "192.0.2.7"], "192.0.2.7"), (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["192.0.2.7:4000"], "192.0.2.7"), (["2001:db8::1"], "2001:db8::1"), (["[2001:db8::1]:443"], "2001:db8::1"),
        (["[2001:db8::1]"], "2001:db8::1"), (["\t192.0.2.7 ,, "], "192.0.2.7"), (["\", 192.0.2.7"], "192.0.2.7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
    ]) func `The last address that is no proxy's is the client's`(_ values: [String], _ client: String) throws {
        #expect(try self.client(values, .xForwardedFor) == IPAddress(client))
    }

    @Test(arguments: [
        [""], ["unknown"], ["192.0.2.7, unknown"], ["192.0.2.7, unknown, 10.0.0.2"], ["192.0.2.7:"], ["192.0.2.7:1:2"],
        ["[192.0.2.7]"], ["[2001:db8::1"], ["[2001:db8::1]x"], ["192.0.2.7:123456"], ["192.0.2"], ["192.0.2.7 x"],
        [String(repeating: "1", count: 60)],
    ]) func `What is no address hides what stands before it`(_ values: [String]) throws {
        let client = try client(values, .xForwardedFor)
        #expect(client == nil || client == IPAddress("10.0.0.2"))
    }

    @Test(arguments: [
        (["for=192.0.2.7"], "192.0.2.7"), (["For=192.0.2.7;proto=https, for=10.0.0.2"], "192.0.2.7"),
        (["proto=https; for=\"192.0.2.7:1\""], "192.0.2.7"), (["for=\"[2001:db8::1]:80\""], "2001:db8::1"),
        (["for=1.1.1.1", "host=\"a,for=1.1.1.1;b\";for=192.0.2.7"], "192.0.2.7"),
        (["for=192.0.2.7;host=\"a\\\",b\""], "192.0.2.7"),
    ]) func `Forwarded is read with its quotes`(_ values: [String], _ client: String) throws {
        #expect(try self.client(values, .forwarded) == IPAddress(client))
    }

    @Test(arguments: [["for=unknown"], ["for=_x"], ["proto=http"], ["for="], ["for=\"\""], ["for=2001:db8::1"]])
    func `A node without an address names nobody`(_ values: [String]) throws {
        #expect(try client(values, .forwarded) == nil)
    }

    @Test(arguments: [["for=\""], ["for=\", for=192.0.2.7"], ["for=\"192.0.2.7\\\""]])
    func `A quote without its partner is refused`(_ values: [String]) {
        #expect(throws: RequestRejection.invalidForwarded) { try client(values, .forwarded) }
    }

    private func client(_ values: [String], _ field: TrustedProxies.Field) throws -> IPAddress? {
        let proxies = TrustedProxies(networks: [try #require(IPNetwork("10.0.0.0/8"))], field: field)
        var client: IPAddress?
        for value in values {
            client = try Array(value.utf8).withBytes { try proxies.client(in: $0, behind: client) }
        }
        return client
    }
}
