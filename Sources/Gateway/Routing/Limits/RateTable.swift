import Synchronization

/// How many requests of each key came lately, for all workers: the generic cell rate algorithm (ITU-T I.371), which
/// needs one number per key.
///
/// That number is the theoretical arrival time: the time at which the key's requests so far would have come at exactly
/// the configured rate. A request is refused while that time is further ahead than the burst allows. A key whose time
/// has passed needs no entry, so memory is fixed: keys share buckets of a few entries, and the entry with the earliest
/// time is evicted.
final class RateTable: Sendable {
    /// Microseconds between two requests at the full rate.
    private let interval: UInt64
    /// Microseconds by which a key's time may be ahead.
    private let tolerance: UInt64
    private let shards: [Shard]
    private let setsPerShard: UInt64

    private struct Place {
        var key: UInt64 = 0
        var time: UInt64 = 0
    }

    private final class Shard: Sendable {
        let places: Mutex<[Place]>

        init(count: Int) {
            places = Mutex([Place](repeating: Place(), count: count))
        }
    }

    private static let placesPerSet = 8
    /// With so many shards workers rarely contend for one lock.
    private static let shardCount = 16

    init(_ limit: RouteLimits.RateLimit) {
        let period = UInt64(limit.period.components.seconds) * 1_000_000
        interval = max(1, period / UInt64(limit.requests))
        tolerance = interval * UInt64(limit.burst - 1)
        let sets = max(1, limit.keys / Self.placesPerSet / Self.shardCount)
        setsPerShard = UInt64(sets)
        shards = (0..<Self.shardCount).map { _ in Shard(count: sets * Self.placesPerSet) }
    }

    /// Counts one more request of `key` at `now`, in microseconds.
    ///
    /// - Returns: nil when it may pass, otherwise the microseconds after which a request would pass.
    func count(_ key: UInt64, at now: UInt64) -> UInt64? {
        let shard = shards[Int(key % UInt64(Self.shardCount))]
        let first = Int(key / UInt64(Self.shardCount) % setsPerShard) * Self.placesPerSet
        return shard.places.withLock { places in
            var chosen = first
            for index in first..<first + Self.placesPerSet {
                if places[index].key == key {
                    chosen = index
                    break
                }
                if places[index].time < places[chosen].time { chosen = index }
            }
            if places[chosen].key != key { places[chosen] = Place(key: key) }
            let time = max(places[chosen].time, now)
            if time - now > tolerance { return time - now - tolerance }
            places[chosen].time = time + interval
            return nil
        }
    }
}
