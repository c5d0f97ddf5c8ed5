import Glibc

/// A numeric IP address and a port to listen on.
package struct BindAddress: Sendable, Hashable {
    package enum Family: Sendable, Hashable {
        case ipv4, ipv6
    }

    package var family: Family
    /// The address in its canonical text form (RFC 5952 for IPv6), without brackets.
    package var host: String
    /// 0 lets the system choose.
    package var port: UInt16
    /// Left out on a machine without IPv6: a part of a spelling for both families.
    package var isOptional = false
}

extension BindAddress {
    /// Parses `192.0.2.1:8443` or `[2001:db8::1]:8443`; nil for anything else, names included.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy(isDigit), let port = UInt16(digits) else { return nil }
        var host = text[..<colon]
        let bracketed = host.first == "[" && host.last == "]" && host.count > 2
        if bracketed { host = host.dropFirst().dropLast() }
        let family = bracketed ? Family.ipv6 : .ipv4
        guard let canonical = canonicalAddress(String(host), family) else { return nil }
        self.init(family: family, host: canonical, port: port)
    }
}

extension ValueDecoder<[BindAddress]> {
    /// An address, or a spelling for both families: `:8443` is every address, `localhost:8443` the loopback addresses.
    static var bindAddresses: Self {
        Self { node, context in
            let noun = "an IP address and a port such as \"0.0.0.0:8443\", \"[::]:8443\" or \":8443\""
            let addresses = text(noun, parse).decode(node, context)
            if addresses?.contains(where: { $0.family == .ipv6 }) == true, !context.system.hasIPv6() {
                context.note("\(IPv6.absence); nobody reaches \(node.found) by it", at: node.position)
            }
            return addresses
        }
    }

    private static func parse(_ text: String) throws(Refusal) -> [BindAddress]? {
        if let address = BindAddress(text) { return [address] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, !parts[1].isEmpty, parts[1].utf8.allSatisfy(isDigit), let port = UInt16(parts[1]) {
            switch parts[0] {
            case "": return both("0.0.0.0", "::", port)
            case "localhost": return both("127.0.0.1", "::1", port)
            case "*": throw Refusal(message: "every address is written without a star", suggestion: ":\(port)")
            default: break
            }
        }
        if UInt16(text) != nil {
            throw Refusal(message: "expected an address or ':' in front of the port", suggestion: ":\(text)")
        }
        if parts.count > 2, let colon = text.lastIndex(of: ":"),
            let address = BindAddress("[\(text[..<colon])]\(text[colon...])")
        {
            throw Refusal(
                message: "an IPv6 address stands in brackets, found \(quoted(text))", suggestion: address.description)
        }
        return nil
    }

    private static func both(_ ipv4: String, _ ipv6: String, _ port: UInt16) -> [BindAddress] {
        [
            BindAddress(family: .ipv4, host: ipv4, port: port),
            BindAddress(family: .ipv6, host: ipv6, port: port, isOptional: true),
        ]
    }
}

extension BindAddress: CustomStringConvertible {
    package var description: String {
        switch family {
        case .ipv4: "\(host):\(port)"
        case .ipv6: "[\(host)]:\(port)"
        }
    }
}

/// The canonical spelling of an address, which equal addresses share, or nil when the text is not an address.
func canonicalAddress(_ text: String, _ family: BindAddress.Family) -> String? {
    let systemFamily = family == .ipv4 ? AF_INET : AF_INET6
    var address = in6_addr()
    guard unsafe inet_pton(systemFamily, text, &address) == 1 else { return nil }
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { spelling in
        guard
            let start = spelling.baseAddress,
            unsafe inet_ntop(systemFamily, &address, start, socklen_t(spelling.count)) != nil
        else { return nil }
        return unsafe String(cString: start)
    }
}

func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}
