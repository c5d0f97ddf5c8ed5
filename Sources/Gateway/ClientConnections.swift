import HTTP
import Synchronization
import Transport

/// A client as limits identify it: an IPv4 address, or the first 64 bits of an IPv6 address, as a client may vary the
/// rest (RFC 6177); as a number that clients cannot predict.
struct ClientKey: Hashable, BitwiseCopyable, Sendable {
    let value: UInt64

    init(_ address: IPAddress) {
        // Seeded per process, so that nobody can construct addresses that share a bucket of a table.
        var hasher = Hasher()
        hasher.combine(address.isIPv4)
        hasher.combine((address.isIPv4 ? address : address.masked(to: 64)).bits)
        value = UInt64(bitPattern: Int64(hasher.finalize()))
    }
}

/// How many connections each client has open, for all workers.
///
/// There is an entry for each client that has a connection, so no more than `max_connections` allows, and each count is
/// exact. It is accessed when a connection begins and ends, and by those requests that a trusted proxy makes for a
/// client.
final class ClientConnections: ClientCounter, Sendable {
    private let currentLimit: Atomic<Int>
    private let shards: [Shard]

    private final class Shard: Sendable {
        let counts = Mutex<[ClientKey: Int32]>([:])
    }

    /// With so many shards workers rarely contend for one lock.
    private static let shardCount = 64

    /// - Parameter limit: of each client; `Int.max` for none.
    init(limit: Int) {
        currentLimit = Atomic(limit)
        shards = (0..<Self.shardCount).map { _ in Shard() }
    }

    /// Lowering it does not close open connections.
    var limit: Int {
        get { currentLimit.load(ordering: .relaxed) }
        set { currentLimit.store(newValue, ordering: .relaxed) }
    }

    /// False when the client already has its maximum number of connections; otherwise `leave` must follow.
    func enter(_ key: ClientKey) -> Bool {
        let limit = limit
        return shard(of: key).counts.withLock { counts in
            let count = counts[key, default: 0]
            guard count < limit else { return false }
            counts[key] = count + 1
            return true
        }
    }

    func leave(_ key: ClientKey) {
        shard(of: key).counts.withLock { counts in
            guard let count = counts[key] else { preconditionFailure("a connection that leaves has entered") }
            counts[key] = count == 1 ? nil : count - 1
        }
    }

    /// Clients that have a connection.
    var count: Int { shards.reduce(0) { $0 + $1.counts.withLock { $0.count } } }

    private func shard(of key: ClientKey) -> Shard {
        shards[Int(key.value % UInt64(Self.shardCount))]
    }

    // MARK: Clients that a trusted proxy names

    func enter(_ client: IPAddress) -> UInt64? {
        let key = ClientKey(client)
        return enter(key) ? key.value : nil
    }

    func leave(_ ticket: UInt64) {
        leave(ClientKey(value: ticket))
    }
}

extension ClientKey {
    fileprivate init(value: UInt64) { self.value = value }
}

/// How many TLS handshakes each client may begin, and how many it has begun lately.
struct HandshakeLimit: Sendable {
    let limit: RouteLimits.RateLimit
    let table: RateTable

    init(_ limit: RouteLimits.RateLimit) {
        self.limit = limit
        table = RateTable(limit)
    }
}

/// Why a client's connection is closed before anything is sent on it.
enum ClientRefusal: Error {
    case connections(Int)
    case handshakes(RouteLimits.RateLimit)

    var reason: String {
        switch self {
        case .connections(let limit): "too many connections of one client (client_connections \(limit))"
        case .handshakes(let limit): "too many handshakes of one client (client_handshakes \(limit.frequency))"
        }
    }
}
