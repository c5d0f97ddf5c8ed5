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

extension BindAddress: CustomStringConvertible {
    package var description: String {
        switch family {
        case .ipv4: "\(host):\(port)"
        case .ipv6: "[\(host)]:\(port)"
        }
    }
}

/// The one spelling of an address that equal addresses share, or nil when the text is not an address.
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
