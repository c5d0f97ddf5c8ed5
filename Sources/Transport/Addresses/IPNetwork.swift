import Glibc
import Memory

/// An IPv4 or IPv6 address without a port, as an integer.
///
/// An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), which a dual-stack socket reports, is treated as the IPv4 address.
package struct IPAddress: Hashable, BitwiseCopyable, Sendable {
    /// In network order: the last byte of the address is the least significant. IPv4 uses the low 32 bits.
    package let bits: UInt128
    package let isIPv4: Bool

    package init(ipv4 bits: UInt32) {
        self.bits = UInt128(bits)
        isIPv4 = true
    }

    package init(ipv6 bits: UInt128) {
        isIPv4 = bits >> 32 == 0xFFFF
        self.bits = isIPv4 ? bits & 0xFFFF_FFFF : bits
    }

    /// Parses `192.0.2.1` or `2001:db8::1`; nil for anything else.
    package init?(_ text: String) {
        var ipv4 = in_addr()
        if unsafe inet_pton(AF_INET, text, &ipv4) == 1 {
            self.init(ipv4: UInt32(bigEndian: ipv4.s_addr))
            return
        }
        var ipv6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &ipv6) == 1 else { return nil }
        self.init(
            ipv6: UInt128(bigEndian: BytesOfValues.load(UInt128.self, from: ipv6)))
    }

    /// Like `init(_:)` for received bytes, without creating a String.
    package init?(_ text: ByteView) {
        guard text.count < Int(INET6_ADDRSTRLEN) else { return nil }
        let capacity = text.count + 1
        let address: IPAddress? = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { room in
            for index in 0..<text.count { unsafe room[index] = CChar(bitPattern: text[index]) }
            unsafe room[text.count] = 0
            var ipv4 = in_addr()
            if unsafe inet_pton(AF_INET, room.baseAddress!, &ipv4) == 1 {
                return IPAddress(ipv4: UInt32(bigEndian: ipv4.s_addr))
            }
            var ipv6 = in6_addr()
            guard unsafe inet_pton(AF_INET6, room.baseAddress!, &ipv6) == 1 else { return nil }
            let bits = BytesOfValues.load(UInt128.self, from: ipv6)
            return IPAddress(ipv6: UInt128(bigEndian: bits))
        }
        guard let address else { return nil }
        self = address
    }

    package var width: Int { isIPv4 ? 32 : 128 }

    /// The address with all but its first `length` bits cleared.
    package func masked(to length: Int) -> IPAddress {
        let rest = width - length
        let kept = rest >= 128 ? 0 : (bits >> UInt128(rest)) << UInt128(rest)
        return isIPv4 ? IPAddress(ipv4: UInt32(truncatingIfNeeded: kept)) : IPAddress(exactIPv6: kept)
    }

    /// Clearing bits never turns an IPv6 address into an IPv4 one.
    private init(exactIPv6 bits: UInt128) {
        self.bits = bits
        isIPv4 = false
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text (RFC 5952 for IPv6), without brackets.
    package var description: String {
        AddressText.string(upTo: AddressText.maximum) { room in
            isIPv4
                ? AddressText.writeIPv4(UInt32(truncatingIfNeeded: bits), to: room)
                : AddressText.writeIPv6(bits, to: room)
        }
    }
}

/// The IP addresses with a common prefix.
package struct IPNetwork: Hashable, BitwiseCopyable, Sendable {
    package let base: IPAddress
    /// The length of the prefix in bits: 0 to 32 or 128.
    package let length: Int

    /// Parses an address, or an address, a slash and a prefix length: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.1`.
    ///
    /// Nil for anything else, including a network with bits set beyond its prefix: one of the two must be a mistake.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = IPAddress(String(parts[0])) else { return nil }
        self.base = base
        if parts.count == 1 {
            length = base.width
            return
        }
        let digits = parts[1].utf8
        guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != 0x30, let length = Int(parts[1]), length <= base.width,
            base.masked(to: length) == base
        else { return nil }
        self.length = length
    }

    @inline(__always)
    package func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == base.isIPv4 && address.masked(to: length) == base
    }

    /// Whether every address of the other network belongs to this one.
    package func contains(_ other: IPNetwork) -> Bool {
        length <= other.length && contains(other.base)
    }
}

extension IPNetwork: CustomStringConvertible {
    package var description: String { length == base.width ? "\(base)" : "\(base)/\(length)" }
}

extension [IPNetwork] {
    /// Whether one of the networks contains the address.
    package func contain(_ address: IPAddress) -> Bool {
        for network in self where network.contains(address) { return true }
        return false
    }
}
