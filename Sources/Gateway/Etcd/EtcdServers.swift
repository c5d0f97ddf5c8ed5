import ACME

/// The servers that the keys below a prefix name, as far as is known.
///
/// A value that is none of a server changes nothing: the server that its key had before stays, and other keys are not
/// affected. When no server is left, the last ones stay: keys that are all gone are more probably an accident than wanted.
struct EtcdServers: Equatable {
    /// What is known of a key.
    private struct Entry: Equatable {
        var value: [UInt8]
        var revision: Int64
        /// The one of the last value that was one.
        var server: ServerConfiguration?
        /// Why the value is none.
        var problem: String?
    }

    struct Problem: Equatable, Sendable, Codable {
        var key: String
        var reason: String
    }

    private var entries: [String: Entry] = [:]
    /// Everything up to it is known.
    private(set) var revision: Int64 = 0
    /// In the order of their keys; each URL once.
    private(set) var servers: [StoredServers.Element] = []

    static let maximumKeyBytes = 256
    static let maximumValueBytes = 4096
    /// Of lists and mappings in a value, which needs one; the library for YAML calls itself for each.
    private static let maximumNesting = 16

    /// - Parameter stored: what was known before.
    init(stored: [StoredServers.Element] = []) {
        for one in stored { entries[one.name] = Entry(value: [], revision: 0, server: one.server) }
        servers = stored
    }

    /// Whether there is no key below the prefix.
    var isEmpty: Bool { entries.isEmpty }
    var keyCount: Int { entries.count }

    /// The values that are none of a server, by key.
    var problems: [Problem] {
        entries.compactMap { key, entry in entry.problem.map { Problem(key: key, reason: $0) } }
            .sorted { $0.key < $1.key }
    }

    // MARK: Changes

    /// Takes everything that there is at a revision.
    mutating func replace(with range: EtcdRange) throws(EtcdFailure) {
        guard !range.isCut, range.pairs.count <= ServersFile.maximumServers else {
            throw .nonsense("more than \(ServersFile.maximumServers) keys")
        }
        let known = entries
        entries = [:]
        for pair in range.pairs {
            let key = Self.name(of: pair.key)
            entries[key] = Self.entry(pair, key: key, known: known[key])
        }
        revision = range.revision
        choose()
    }

    /// Takes changes; those that are known already change nothing.
    mutating func apply(_ changes: [EtcdNotice.Change], upTo newest: Int64) throws(EtcdFailure) {
        let known = revision
        for change in changes {
            switch change {
            case .put(let pair) where pair.revision > known:
                let key = Self.name(of: pair.key)
                entries[key] = Self.entry(pair, key: key, known: entries[key])
                revision = max(revision, pair.revision)
            case .delete(let key, let changed) where changed > known:
                entries[Self.name(of: key)] = nil
                revision = max(revision, changed)
            default: continue
            }
        }
        guard entries.count <= ServersFile.maximumServers else {
            throw .nonsense("more than \(ServersFile.maximumServers) keys")
        }
        revision = max(revision, newest)
        if !changes.isEmpty { choose() }
    }

    private static func entry(_ pair: EtcdPair, key: String, known: Entry?) -> Entry {
        if var known, known.value == pair.value, known.revision > 0 {
            known.revision = pair.revision
            return known
        }
        var entry = Entry(value: pair.value, revision: pair.revision, server: known?.server)
        do throws(Problem) {
            entry.server = try server(pair, key: key)
        } catch {
            entry.problem = error.reason
            // It is not needed, and may be large.
            if pair.value.count > maximumValueBytes { entry.value = [] }
        }
        return entry
    }

    private static func name(of key: [UInt8]) -> String { visibleText(String(decoding: key, as: UTF8.self)) }

    /// Of several keys with the same URL, the one that has changed last counts: a server that has started again under
    /// another name may be there twice until the lease of its old key expires.
    private mutating func choose() {
        var newest: [ServerURL: (key: String, revision: Int64, server: ServerConfiguration)] = [:]
        for (key, entry) in entries {
            guard let server = entry.server else { continue }
            if let other = newest[server.url], (other.revision, other.key) > (entry.revision, key) { continue }
            newest[server.url] = (key, entry.revision, server)
        }
        guard !newest.isEmpty else { return }
        servers = newest.values.map { StoredServers.Element(name: $0.key, server: $0.server) }
            .sorted { $0.name < $1.name }
    }

    // MARK: Values

    private static func server(_ pair: EtcdPair, key: String) throws(Problem) -> ServerConfiguration {
        func refuse(_ reason: String) -> Problem { Problem(key: key, reason: reason) }
        guard pair.key.count <= maximumKeyBytes else {
            throw refuse("a key has at most \(maximumKeyBytes) bytes, this one has \(pair.key.count)")
        }
        guard Array(key.utf8) == pair.key else { throw refuse("a key is text without control characters") }
        guard pair.value.count <= maximumValueBytes else {
            throw refuse("a value has at most \(maximumValueBytes) bytes, this one has \(pair.value.count)")
        }
        guard nesting(pair.value) <= maximumNesting else { throw refuse("a value with too many lists and mappings") }
        let server: ServerConfiguration
        do throws(ConfigurationErrors) {
            server = try ServersFile.decodeServer(pair.value, name: key)
        } catch {
            throw refuse(visibleText(error.diagnostics.map(\.message).joined(separator: "; ")))
        }
        if case .unix(let path) = server.url,
            !String(decoding: pair.value, as: UTF8.self).contains("unix:\(path)")
        {
            throw refuse("the path of a socket has to be absolute")
        }
        return server
    }

    /// How many lists and mappings YAML may find within each other there.
    private static func nesting(_ value: [UInt8]) -> Int {
        var count = 0
        for (index, byte) in value.enumerated() {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): count += 1
            case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
                let next = index + 1 < value.count ? value[index + 1] : 0x0A
                if next == 0x20 || next == 0x09 || next == 0x0A || next == 0x0D { count += 1 }
            default: continue
            }
        }
        return count
    }
}

extension EtcdServers.Problem: Error {}
