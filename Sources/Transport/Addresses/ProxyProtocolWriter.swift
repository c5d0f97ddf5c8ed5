/// The format of a PROXY protocol header: a text line, or binary with further information.
package enum ProxyProtocolVersion: Sendable {
    case one, two
}

/// Writes the PROXY protocol header at the start of a connection made for a client.
///
/// Source: as for `ProxyProtocolHeader`.
package enum ProxyProtocolWriter {
    /// Version 1: one line (section 2.1). Nil represents a client without an IP address.
    package static func version1(_ client: ProxyProtocolHeader.Client?) -> [UInt8] {
        guard let client, client.source.isIPv4 == client.destination.isIPv4 else {
            return Array("PROXY UNKNOWN\r\n".utf8)
        }
        let family = client.source.isIPv4 ? "TCP4" : "TCP6"
        let ports = "\(client.sourcePort) \(client.destinationPort)"
        return Array("PROXY \(family) \(client.source) \(client.destination) \(ports)\r\n".utf8)
    }

    /// Version 2, with the known properties of the client's TLS session and a checksum (section 2.2).
    package static func version2(_ client: ProxyProtocolHeader.Client?, _ facts: [ProxyProtocolEntry] = []) -> [UInt8] {
        var header = ProxyProtocol.signature2 + [client == nil ? 0x20 : 0x21, 0, 0, 0]
        if let client { append(client, to: &header) }
        for entry in facts { entry.append(to: &header) }
        ProxyProtocolEntry(kind: ProxyProtocolEntry.checksum, value: [0, 0, 0, 0]).append(to: &header)
        let length = UInt16(truncatingIfNeeded: header.count - ProxyProtocol.fixedLength)
        header.replaceSubrange(14..<16, with: bigEndian(length))
        var checksum = CRC32C()
        for byte in header { checksum.add(byte) }
        header.replaceSubrange(header.count - 4..<header.count, with: bigEndian(checksum.value))
        return header
    }

    private static func append(_ client: ProxyProtocolHeader.Client, to header: inout [UInt8]) {
        if client.source.isIPv4 && client.destination.isIPv4 {
            header[13] = 0x11
            header += bigEndian(UInt32(truncatingIfNeeded: client.source.bits))
            header += bigEndian(UInt32(truncatingIfNeeded: client.destination.bits))
        } else {
            header[13] = 0x21
            header += bigEndian(client.source.ipv6Bits) + bigEndian(client.destination.ipv6Bits)
        }
        header += bigEndian(client.sourcePort) + bigEndian(client.destinationPort)
    }
}

/// A type-length-value entry of version 2 (section 2.2.1).
package struct ProxyProtocolEntry: Equatable, Sendable {
    let kind: UInt8
    let value: [UInt8]

    static let checksum: UInt8 = 0x03

    /// The protocol negotiated inside TLS, by its ALPN name.
    package static func applicationProtocol(_ name: String) -> ProxyProtocolEntry {
        ProxyProtocolEntry(kind: 0x01, value: Array(name.utf8))
    }

    /// The host name that the client requested in SNI.
    package static func authority(_ name: String) -> ProxyProtocolEntry {
        ProxyProtocolEntry(kind: 0x02, value: Array(name.utf8))
    }

    /// The TLS session: version, cipher, and the client's certificate (section 2.2.6).
    package static func tls(_ security: SecurityDescription) -> ProxyProtocolEntry {
        let certificate = security.clientCertificate
        // PP2_CLIENT_SSL; PP2_CLIENT_CERT_SESS for a certificate in this session, and also PP2_CLIENT_CERT_CONN if it
        // was sent on this connection. The verification result that follows is zero only for a verified certificate.
        var value: [UInt8] = [certificate == nil ? 0x01 : security.isResumed ? 0x05 : 0x07]
        value += bigEndian(UInt32(certificate != nil && certificate?.failure == nil ? 0 : 1))
        ProxyProtocolEntry(kind: 0x21, value: Array(security.protocolName.utf8)).append(to: &value)
        ProxyProtocolEntry(kind: 0x23, value: Array(security.cipherName.utf8)).append(to: &value)
        return ProxyProtocolEntry(kind: 0x20, value: value)
    }

    /// Truncates the value to 1 KiB: nothing that the gateway writes needs more.
    func append(to header: inout [UInt8]) {
        let shown = value.prefix(1024)
        header.append(kind)
        header += bigEndian(UInt16(shown.count))
        header += shown
    }
}

/// The CRC-32C checksum: the Castagnoli polynomial, reflected, as in RFC 3720 appendix B.4.
struct CRC32C {
    private var state: UInt32 = 0xFFFF_FFFF

    var value: UInt32 { ~state }

    mutating func add(_ byte: UInt8) {
        state ^= UInt32(byte)
        for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ 0x82F6_3B78 : state >> 1 }
    }
}

extension IPAddress {
    /// The address as IPv6; an IPv4 address in its mapped form (RFC 4291 §2.5.5.2).
    fileprivate var ipv6Bits: UInt128 { isIPv4 ? 0xFFFF << 32 | bits : bits }
}

private func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    unsafe withUnsafeBytes(of: number.bigEndian) { unsafe Array($0) }
}
