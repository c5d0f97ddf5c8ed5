/// The information about a client's connection that a proxy in front sends: a PROXY protocol header, version 1 or 2.
///
/// Source: The PROXY protocol, versions 1 & 2 (HAProxy, proxy-protocol.txt), section numbers of which are given below.
package struct ProxyProtocolHeader: Equatable, Sendable {
    /// The client's connection; nil if the proxy itself is the client, or the client has no IP address.
    package var client: Client?
    /// The length of the header in bytes; the client's bytes follow it.
    package var length: Int

    package struct Client: Equatable, Sendable {
        package var source: IPAddress
        package var sourcePort: UInt16
        package var destination: IPAddress
        package var destinationPort: UInt16

        package init(source: IPAddress, sourcePort: UInt16, destination: IPAddress, destinationPort: UInt16) {
            self.source = source
            self.sourcePort = sourcePort
            self.destination = destination
            self.destinationPort = destinationPort
        }
    }

    /// The maximum length accepted, in bytes: version 1 has at most 107, version 2 includes information about TLS.
    package static let maximumLength = 4096

    package init(client: Client?, length: Int) {
        self.client = client
        self.length = length
    }

    /// Parses the header at the start of `received`; nil if more bytes are needed.
    ///
    /// Any proper prefix of a valid header needs more; a rejection never changes with further bytes.
    package static func parse(_ received: RawSpan) throws(ProxyProtocolRejection) -> ProxyProtocolHeader? {
        guard received.byteCount > 0 else { return nil }
        return received.octet(0) == ProxyProtocol.signature1[0]
            ? try ProxyProtocolText.parse(received) : try ProxyProtocolBinary.parse(received)
    }
}

/// Why a PROXY protocol header was rejected; the connection is closed without a response.
package enum ProxyProtocolRejection: Error, CaseIterable, Sendable {
    case noHeader, invalidLine, lineTooLong, unsupportedVersion, unsupportedCommand, unsupportedFamily
    case headerTooLong, addressesCutOff, invalidTLV, wrongChecksum

    /// A description of the rejection for logs.
    package var reason: StaticString {
        switch self {
        case .noHeader: "no PROXY protocol header"
        case .invalidLine: "invalid PROXY protocol line"
        case .lineTooLong: "PROXY protocol line too long"
        case .unsupportedVersion: "unsupported PROXY protocol version"
        case .unsupportedCommand: "unsupported PROXY protocol command"
        case .unsupportedFamily: "unsupported PROXY protocol address family"
        case .headerTooLong: "PROXY protocol header too long"
        case .addressesCutOff: "PROXY protocol header shorter than its addresses"
        case .invalidTLV: "invalid PROXY protocol TLV"
        case .wrongChecksum: "wrong checksum of the PROXY protocol header"
        }
    }
}

/// The constants of both versions.
enum ProxyProtocol {
    /// `PROXY `
    static let signature1: [UInt8] = Array("PROXY ".utf8)
    static let signature2: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    /// Signature, version and command, family, length (section 2.2).
    static let fixedLength = 16
    /// The maximum length of a version 1 line, including its CRLF (section 2.1).
    static let maximumLine = 107
}

/// Version 1: a line of text (section 2.1).
private enum ProxyProtocolText {
    static func parse(_ received: RawSpan) throws(ProxyProtocolRejection) -> ProxyProtocolHeader? {
        let signature = ProxyProtocol.signature1
        for index in 0..<min(signature.count, received.byteCount) where received.octet(index) != signature[index] {
            throw .noHeader
        }
        for index in 0..<min(received.byteCount, ProxyProtocol.maximumLine - 1) {
            let byte = received.octet(index)
            if byte >= 0x20 && byte <= 0x7E { continue }
            guard byte == 0x0D else { throw .invalidLine }
            guard index + 1 < received.byteCount else { return nil }
            guard received.octet(index + 1) == 0x0A else { throw .invalidLine }
            return ProxyProtocolHeader(
                client: try client(received.text(signature.count..<index)), length: index + 2)
        }
        guard received.byteCount < ProxyProtocol.maximumLine - 1 else { throw .lineTooLong }
        return nil
    }

    /// `TCP4 192.0.2.1 198.51.100.1 56324 443`; text after UNKNOWN is ignored.
    private static func client(_ line: String) throws(ProxyProtocolRejection) -> ProxyProtocolHeader.Client? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        if words[0] == "UNKNOWN" { return nil }
        let isIPv6 = words[0] == "TCP6"
        guard isIPv6 || words[0] == "TCP4" else { throw .unsupportedFamily }
        guard words.count == 5, words[1].contains(":") == isIPv6, words[2].contains(":") == isIPv6,
            let source = IPAddress(words[1]), let destination = IPAddress(words[2]),
            let sourcePort = port(words[3]), let destinationPort = port(words[4])
        else { throw .invalidLine }
        return ProxyProtocolHeader.Client(
            source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort)
    }

    /// Decimal digits without a leading zero.
    private static func port(_ text: String) -> UInt16? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || !text.hasPrefix("0") else {
            return nil
        }
        return UInt16(text)
    }
}

/// Version 2: a fixed part, addresses, and type-length-value entries (section 2.2).
private enum ProxyProtocolBinary {
    static func parse(_ received: RawSpan) throws(ProxyProtocolRejection) -> ProxyProtocolHeader? {
        let signature = ProxyProtocol.signature2
        for index in 0..<min(signature.count, received.byteCount) where received.octet(index) != signature[index] {
            throw .noHeader
        }
        guard received.byteCount > 12 else { return nil }
        let versionAndCommand = received.octet(12)
        guard versionAndCommand >> 4 == 2 else { throw .unsupportedVersion }
        guard versionAndCommand & 0xF <= 1 else { throw .unsupportedCommand }
        guard received.byteCount >= ProxyProtocol.fixedLength else { return nil }
        let length = ProxyProtocol.fixedLength + Int(received.number(14, UInt16.self))
        guard length <= ProxyProtocolHeader.maximumLength else { throw .headerTooLong }
        guard received.byteCount >= length else { return nil }

        // A LOCAL connection is the proxy's own, regardless of the rest (section 2.2).
        if versionAndCommand & 0xF == 0 { return ProxyProtocolHeader(client: nil, length: length) }
        let (client, end) = try addresses(family: received.octet(13), received, length: length)
        try checkEntries(received, from: end, to: length)
        return ProxyProtocolHeader(client: client, length: length)
    }

    private static func addresses(
        family: UInt8, _ received: RawSpan, length: Int
    ) throws(ProxyProtocolRejection) -> (ProxyProtocolHeader.Client?, end: Int) {
        let start = ProxyProtocol.fixedLength
        let size =
            switch family {
            case 0x00: 0
            case 0x11: 12
            case 0x21: 36
            case 0x31: 216
            default: throw .unsupportedFamily
            }
        guard start + size <= length else { throw .addressesCutOff }
        // Addresses of non-IP families are ignored; the unspecified family (AF_UNSPEC) has no entries either.
        switch family {
        case 0x00: return (nil, length)
        case 0x11:
            let client = ProxyProtocolHeader.Client(
                source: IPAddress(ipv4: received.number(start, UInt32.self)),
                sourcePort: received.number(start + 8, UInt16.self),
                destination: IPAddress(ipv4: received.number(start + 4, UInt32.self)),
                destinationPort: received.number(start + 10, UInt16.self))
            return (client, start + size)
        case 0x21:
            let client = ProxyProtocolHeader.Client(
                source: IPAddress(ipv6: received.number(start, UInt128.self)),
                sourcePort: received.number(start + 32, UInt16.self),
                destination: IPAddress(ipv6: received.number(start + 16, UInt128.self)),
                destinationPort: received.number(start + 34, UInt16.self))
            return (client, start + size)
        default: return (nil, start + size)
        }
    }

    /// Every entry must end where the next one begins, and a checksum must be correct (section 2.2.3).
    private static func checkEntries(
        _ received: RawSpan, from start: Int, to end: Int
    ) throws(ProxyProtocolRejection) {
        var offset = start
        while offset < end {
            guard end - offset >= 3 else { throw .invalidTLV }
            let count = Int(received.number(offset + 1, UInt16.self))
            guard end - offset - 3 >= count else { throw .invalidTLV }
            if received.octet(offset) == ProxyProtocolEntry.checksum {
                guard count == 4 else { throw .invalidTLV }
                var checksum = CRC32C()
                for index in 0..<end {
                    checksum.add((offset + 3..<offset + 7).contains(index) ? 0 : received.octet(index))
                }
                guard checksum.value == received.number(offset + 3, UInt32.self) else { throw .wrongChecksum }
            }
            offset += 3 + count
        }
    }
}

extension RawSpan {
    @inline(__always)
    fileprivate func octet(_ offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// An integer in network byte order.
    fileprivate func number<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Number.Type) -> Number {
        Number(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    fileprivate func text(_ range: Range<Int>) -> String {
        String(decoding: range.map { octet($0) }, as: UTF8.self)
    }
}
