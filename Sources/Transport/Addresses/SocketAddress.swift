import Glibc
import Memory

/// An IPv4 or IPv6 address with a port, or a Unix domain socket.
///
/// Every connection stores two of them, so only Internet addresses are stored inline; others are stored separately.
package struct SocketAddress: Sendable {
    private var internet = sockaddr_in6()
    private var other: UnixAddress?

    /// The address of a Unix domain socket (unix(7)).
    private final class UnixAddress: Sendable {
        let address: sockaddr_un

        init(_ address: sockaddr_un) {
            self.address = address
        }
    }

    /// Parses `127.0.0.1:8443` or `[::1]:8443`; nil for anything else, including names.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            guard unsafe inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &address.sin6_addr) == 1 else {
                return nil
            }
            internet = address
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            guard unsafe inet_pton(AF_INET, String(host), &address.sin_addr) == 1 else { return nil }
            store(address)
        }
    }

    package init(_ address: IPAddress, port: UInt16) {
        if address.isIPv4 {
            var ipv4 = sockaddr_in()
            ipv4.sin_family = sa_family_t(AF_INET)
            ipv4.sin_port = port.bigEndian
            ipv4.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.bits).bigEndian
            store(ipv4)
        } else {
            var ipv6 = sockaddr_in6()
            ipv6.sin6_family = sa_family_t(AF_INET6)
            ipv6.sin6_port = port.bigEndian
            BytesOfValues.store(address.bits.bigEndian, in: &ipv6.sin6_addr)
            internet = ipv6
        }
    }

    /// An address written by the system; an address of an unknown family is empty.
    init(_ storage: sockaddr_storage) {
        unsafe withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET: store(unsafe bytes.loadUnaligned(as: sockaddr_in.self))
            case AF_INET6: internet = unsafe bytes.loadUnaligned(as: sockaddr_in6.self)
            case AF_UNIX: other = UnixAddress(unsafe bytes.loadUnaligned(as: sockaddr_un.self))
            default: break
            }
        }
    }

    /// An IPv4 or IPv6 address returned by a system library; nil for any other family.
    package init?(_ address: UnsafePointer<sockaddr>?, port: UInt16) {
        guard let address = unsafe address else { return nil }
        let size: Int
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET: size = MemoryLayout<sockaddr_in>.size
        case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
        }
        self = SocketAddress(storage).with(port: port)
    }

    /// A Unix domain socket (unix(7)); nil if the path is empty or longer than 107 bytes.
    package init?(unixPath path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard !bytes.isEmpty, bytes.count < room, !bytes.contains(0) else { return nil }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        other = UnixAddress(address)
    }

    /// The address to which a descriptor is bound.
    package init(localOf descriptor: Int32) {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = unsafe withUnsafeMutablePointer(to: &storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &size) }
        }
        self.init(storage)
    }

    private mutating func store(_ address: sockaddr_in) {
        unsafe withUnsafeMutableBytes(of: &internet) { bytes in
            unsafe bytes.storeBytes(of: address, as: sockaddr_in.self)
        }
    }

    package var family: Int32 { other == nil ? Int32(internet.sin6_family) : AF_UNIX }

    package var isIPv6: Bool { family == AF_INET6 }

    /// The IP address without the port; nil for other address families.
    package var ip: IPAddress? {
        switch family {
        case AF_INET: IPAddress(ipv4: ipv4Bits)
        case AF_INET6: IPAddress(ipv6: ipv6Bits)
        default: nil
        }
    }

    private var ipv4Bits: UInt32 { UInt32(bigEndian: BytesOfValues.load(UInt32.self, from: internet, at: 4)) }
    private var ipv6Bits: UInt128 { UInt128(bigEndian: BytesOfValues.load(UInt128.self, from: internet, at: 8)) }

    /// 0 for a Unix domain socket.
    package var port: UInt16 {
        family == AF_UNIX ? 0 : inetPort
    }

    private var inetPort: UInt16 {
        UInt16(bigEndian: BytesOfValues.load(UInt16.self, from: internet, at: 2))
    }

    package func with(port: UInt16) -> SocketAddress {
        var copy = self
        BytesOfValues.store(port.bigEndian, in: &copy.internet, at: 2)
        return copy
    }

    /// The address without port or brackets, as in REMOTE_ADDR; the path of a Unix domain socket.
    package var host: String {
        if family == AF_UNIX { return unixPath }
        return AddressText.string(upTo: Self.maximumHostText) { room in
            writeHost(to: room)
        }
    }

    /// The maximum length of the text of an address in bytes.
    package static var maximumHostText: Int { 110 }

    /// Writes `host` to `room`, which has `maximumHostText` bytes, and returns its length; no String is created.
    package func writeHost(to room: MutableByteView) -> Int {
        guard room.count >= Self.maximumHostText else { return 0 }
        if let other {
            return unsafe withUnsafeBytes(of: other.address.sun_path) { bytes in
                let path = unsafe ByteView(bytes)
                let count = path.firstIndex(of: 0) ?? path.count
                room.copy(path[..<count])
                return count
            }
        }
        return isIPv6 ? AddressText.writeIPv6(ipv6Bits, to: room) : AddressText.writeIPv4(ipv4Bits, to: room)
    }

    private var unixPath: String {
        guard let other else { return "" }
        return unsafe withUnsafeBytes(of: other.address.sun_path) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// `host:port`, with brackets around an IPv6 address; `unix:` and the path for a Unix domain socket.
    package var description: String {
        if family == AF_UNIX { return "unix:\(unixPath)" }
        return isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    package func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if let other {
            return unsafe withUnsafePointer(to: other.address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        let length = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        return unsafe withUnsafePointer(to: internet) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(length)) }
        }
    }
}
