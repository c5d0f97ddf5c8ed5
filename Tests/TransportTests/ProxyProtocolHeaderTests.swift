import Testing

@testable import Transport

@Suite("PROXY protocol headers") struct ProxyProtocolHeaderTests {
    private static let line = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
    private static let client = ProxyProtocolHeader.Client(
        source: IPAddress("192.0.2.1")!, sourcePort: 56324, destination: IPAddress("198.51.100.1")!,
        destinationPort: 443)
    private static let client6 = ProxyProtocolHeader.Client(
        source: IPAddress("2001:db8::1")!, sourcePort: 1, destination: IPAddress("2001:db8::2")!,
        destinationPort: 65535)
    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    @Test func `A line of version 1 names the client's connection`() throws {
        let header = try #require(try parse(Array(Self.line.utf8)))
        #expect(header == ProxyProtocolHeader(client: Self.client, length: 45))
    }

    @Test func `A line of version 1 for IPv6 names the client's connection`() throws {
        let line = "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"
        #expect(try parse(Array(line.utf8))?.client == Self.client6)
    }

    @Test(arguments: ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 what ever 0 0\r\n"])
    func `An unknown client leaves the connection as it is`(_ line: String) throws {
        #expect(try parse(Array(line.utf8)) == ProxyProtocolHeader(client: nil, length: line.utf8.count))
    }

    @Test func `Version 2 names the client's connection`() throws {
        let addresses: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 1, 0xDC, 0x04, 0x01, 0xBB]
        let header = try parse(Self.signature + [0x21, 0x11, 0, 12] + addresses)
        #expect(header == ProxyProtocolHeader(client: Self.client, length: 28))
    }

    private static let withoutAddress: [[UInt8]] = [
        [0x20, 0x00, 0, 0], [0x20, 0x11, 0, 3, 1, 2, 3], [0x21, 0x00, 0, 2, 9, 9], [0x21, 0x31, 0, 216] + zeros(216),
    ]

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    @Test(arguments: withoutAddress) func `A connection of the proxy's own, or without IP, stays as it is`(
        _ rest: [UInt8]
    ) throws {
        let bytes = Self.signature + rest
        #expect(try parse(bytes) == ProxyProtocolHeader(client: nil, length: bytes.count))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n", ProxyProtocolRejection.noHeader), ("PROXI", .noHeader), ("P\r", .noHeader),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n", .invalidLine), ("PROXY TCP4\rX", .invalidLine),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n", .invalidLine),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n", .invalidLine),
        ("PROXY  TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", .unsupportedFamily),
        ("PROXY TCP4 2001:db8::1 198.51.100.1 56324 443\r\n", .invalidLine),
        ("PROXY TCP6 192.0.2.1 198.51.100.1 56324 443\r\n", .invalidLine),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 0443\r\n", .invalidLine),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n", .invalidLine),
        ("PROXY TCP4 192.0.2.01 198.51.100.1 56324 443\r\n", .invalidLine),
        ("PROXY UDP4 192.0.2.1 198.51.100.1 56324 443\r\n", .unsupportedFamily),
        ("PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n", .lineTooLong),
    ]) func `A malformed line is refused by name`(_ line: String, _ rejection: ProxyProtocolRejection) {
        #expect(refusal(of: Array(line.utf8)) == rejection)
    }

    private static let malformed: [([UInt8], ProxyProtocolRejection)] = [
        ([0x11, 0x11, 0, 12], .unsupportedVersion), ([0x22], .unsupportedCommand),
        ([0x21, 0x12, 0, 0], .unsupportedFamily), ([0x21, 0x11, 0, 11] + zeros(11), .addressesCutOff),
        ([0x21, 0x11, 0xFF, 0xFF], .headerTooLong), ([0x21, 0x11, 0, 14] + zeros(14), .invalidTLV),
        ([0x21, 0x11, 0, 16] + zeros(12) + [4, 0, 2, 0], .invalidTLV),
        ([0x21, 0x11, 0, 19] + zeros(12) + [3, 0, 4, 1, 2, 3, 4], .wrongChecksum),
        ([0x21, 0x11, 0, 18] + zeros(12) + [3, 0, 3, 1, 2, 3], .invalidTLV),
    ]

    @Test(arguments: malformed) func `A malformed binary header is refused by name`(
        _ rest: [UInt8], _ rejection: ProxyProtocolRejection
    ) {
        #expect(refusal(of: Self.signature + rest) == rejection)
    }

    private static let headers: [[UInt8]] = [
        Array(line.utf8), ProxyProtocolWriter.version2(client), ProxyProtocolWriter.version2(nil),
        ProxyProtocolWriter.version2(client6, [.authority("a.test"), .applicationProtocol("http/1.1")]),
    ]

    @Test(arguments: headers) func `Every prefix of a header needs more`(_ bytes: [UInt8]) throws {
        for end in 0..<bytes.count { #expect(try parse(Array(bytes[..<end])) == nil) }
        #expect(try parse(bytes + [0x47])?.length == bytes.count)
    }

    @Test func `What is written is read again`() throws {
        for client in [Self.client, Self.client6] {
            #expect(try parse(ProxyProtocolWriter.version1(client))?.client == client)
            #expect(try parse(ProxyProtocolWriter.version2(client))?.client == client)
        }
        #expect(ProxyProtocolWriter.version1(nil) == Array("PROXY UNKNOWN\r\n".utf8))
        #expect(ProxyProtocolWriter.version1(Self.client) == Array(Self.line.utf8))
    }

    @Test func `The TLS session is told with its version and cipher`() {
        let security = SecurityDescription(
            protocolName: "TLSv1.3", cipherName: "X", cipherBits: 128, serverName: "a.test", serverKeyBits: 256,
            serverSubject: "", serverIssuer: "")
        #expect(
            ProxyProtocolEntry.tls(security).value == [0x01, 0, 0, 0, 1, 0x21, 0, 7] + Array("TLSv1.3".utf8) + [
                0x23, 0, 1, UInt8(ascii: "X"),
            ])
    }

    @Test(arguments: [(false, nil, 0x07, 0), (true, nil, 0x05, 0), (false, "expired", 0x07, 1)])
    func `A client's certificate is told as of this connection or of its session`(
        _ isResumed: Bool, _ failure: String?, _ client: UInt8, _ verification: UInt8
    ) {
        let certificate = SecurityDescription.ClientCertificate(
            failure: failure, subject: "", issuer: "", serial: "", encoded: [])
        let security = SecurityDescription(
            protocolName: "TLSv1.3", cipherName: "X", cipherBits: 128, serverName: nil, serverKeyBits: 256,
            serverSubject: "", serverIssuer: "", isResumed: isResumed, clientCertificate: certificate)
        #expect(ProxyProtocolEntry.tls(security).value.prefix(5) == [client, 0, 0, 0, verification])
    }

    @Test func `The checksum is that of the Castagnoli polynomial`() {
        var checksum = CRC32C()
        for byte in "123456789".utf8 { checksum.add(byte) }
        #expect(checksum.value == 0xE306_9283)
    }

    private func parse(_ bytes: [UInt8]) throws -> ProxyProtocolHeader? {
        unsafe try ProxyProtocolHeader.parse(bytes.span.bytes)
    }

    private func refusal(of bytes: [UInt8]) -> ProxyProtocolRejection? {
        do throws(ProxyProtocolRejection) {
            _ = unsafe try ProxyProtocolHeader.parse(bytes.span.bytes)
            return nil
        } catch {
            return error
        }
    }
}
