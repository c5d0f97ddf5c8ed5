import Synchronization

/// How many requests of each key are in progress, for all workers.
///
/// There is an entry for each key that has a request in progress, so no more than there are connections.
final class ConcurrencyTable: Sendable {
    private let limit: Int
    private let shards: [Shard]

    private final class Shard: Sendable {
        let counts = Mutex<[UInt64: Int]>([:])
    }

    private static let shardCount = 16

    init(_ limit: RouteLimits.ConcurrencyLimit) {
        self.limit = limit.requests
        shards = (0..<Self.shardCount).map { _ in Shard() }
    }

    /// False when the key already has its maximum number of requests in progress; otherwise `leave` must follow.
    func enter(_ key: UInt64) -> Bool {
        shard(of: key).counts.withLock { counts in
            let count = counts[key, default: 0]
            guard count < limit else { return false }
            counts[key] = count + 1
            return true
        }
    }

    /// Whether the key, which has entered, is within its part of the maximum when that is divided by `shares`.
    func isWithinShare(_ key: UInt64, shares: Int) -> Bool {
        let share = max(1, limit / max(1, shares))
        return shard(of: key).counts.withLock { $0[key, default: 0] <= share }
    }

    func leave(_ key: UInt64) {
        shard(of: key).counts.withLock { counts in
            guard let count = counts[key] else { preconditionFailure("a request that leaves has entered") }
            counts[key] = count == 1 ? nil : count - 1
        }
    }

    private func shard(of key: UInt64) -> Shard {
        shards[Int(key % UInt64(Self.shardCount))]
    }
}
