import Memory

/// Maps the host that a request names to a site; immutable, looked up without allocating.
///
/// A name is matched exactly, then as a wildcard of one label, then by `*`. Comparison ignores case, a port, and a
/// final dot (RFC 1034 §3.1).
@safe
struct HostTable: ~Copyable {
    /// Slots of an open-addressing table: a host's hash, its bytes, and the index of its site.
    private struct Slot {
        var hash: UInt64
        var name: [UInt8]
        var site: Int
    }

    private let exact: [Slot?]
    private let wildcard: [Slot?]
    private let anyHost: Int?
    private let hasNames: Bool

    /// - Parameter sites: the host patterns of each site, in the order of the file; the first to claim a name has it.
    init(_ sites: [[HostPattern]]) {
        var exact: [(String, Int)] = []
        var wildcard: [(String, Int)] = []
        var anyHost: Int?
        for (index, hosts) in sites.enumerated() {
            for host in hosts {
                switch host {
                case .any: anyHost = anyHost ?? index
                case .wildcard(let suffix): wildcard.append((String(suffix.dropFirst()), index))
                case .exact(let name): exact.append((name, index))
                }
            }
        }
        self.exact = Self.table(exact)
        self.wildcard = Self.table(wildcard)
        self.anyHost = anyHost
        hasNames = !exact.isEmpty || !wildcard.isEmpty
    }

    /// The index of the site that answers for `authority` (`host[:port]`), or nil when none does.
    @inline(__always)
    func site(for authority: ByteView) -> Int? {
        hasNames ? lookUp(Self.host(of: authority)) : anyHost
    }

    private func lookUp(_ host: ByteView) -> Int? {
        if let site = Self.find(host, in: exact) { return site }
        if !wildcard.isEmpty, let dot = host.firstIndex(of: UInt8(ascii: ".")) {
            let parent = host[(dot + 1)...]
            if let site = Self.find(parent, in: wildcard) { return site }
        }
        return anyHost
    }

    private static func host(of authority: ByteView) -> ByteView {
        let host = withoutPort(authority)
        guard host.last == UInt8(ascii: ".") else { return host }
        return host.dropLast()
    }

    private static func withoutPort(_ authority: ByteView) -> ByteView {
        var end = authority.count
        while end > 0, authority[end - 1] >= UInt8(ascii: "0"), authority[end - 1] <= UInt8(ascii: "9") {
            end -= 1
        }
        guard end > 0, authority[end - 1] == UInt8(ascii: ":") else { return authority }
        return authority[..<(end - 1)]
    }

    private static func table(_ names: [(String, Int)]) -> [Slot?] {
        guard !names.isEmpty else { return [] }
        var capacity = 4
        while capacity < names.count * 2 { capacity *= 2 }
        var slots = [Slot?](repeating: nil, count: capacity)
        for (name, site) in names {
            let bytes = Array(name.lowercased().utf8)
            let hash = bytes.withBytes { bytes -> UInt64 in Self.hash(of: bytes) }
            var index = Int(truncatingIfNeeded: hash) & (capacity - 1)
            while let slot = slots[index], slot.name != bytes { index = (index + 1) & (capacity - 1) }
            if slots[index] == nil { slots[index] = Slot(hash: hash, name: bytes, site: site) }
        }
        return slots
    }

    private static func find(_ name: ByteView, in slots: [Slot?]) -> Int? {
        guard !slots.isEmpty else { return nil }
        let hash = hash(of: name)
        var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while let slot = slots[index] {
            if slot.hash == hash, equals(slot.name, name) { return slot.site }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    /// FNV-1a over the lower-case bytes.
    private static func hash(of bytes: ByteView) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<bytes.count { hash = (hash ^ UInt64(lowercase(bytes[index]))) &* 0x100_0000_01b3 }
        return hash
    }

    private static func equals(_ name: [UInt8], _ bytes: ByteView) -> Bool {
        guard name.count == bytes.count else { return false }
        for index in name.indices where name[index] != lowercase(bytes[index]) { return false }
        return true
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
}
