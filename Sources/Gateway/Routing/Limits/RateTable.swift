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
    /// Requests at once after an idle time.
    private let burst: UInt64
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
        burst = UInt64(limit.burst)
        let sets = max(1, limit.keys / Self.placesPerSet / Self.shardCount)
        setsPerShard = UInt64(sets)
        shards = (0..<Self.shardCount).map { _ in Shard(count: sets * Self.placesPerSet) }
    }

    /// Counts one more request of `key` at `now`, in microseconds.
    ///
    /// - Returns: nil when it may pass, otherwise the microseconds after which a request would pass.
    func count(_ key: UInt64, at now: UInt64) -> UInt64? {
        count(key, at: now, interval: interval, tolerance: tolerance)
    }

    /// As `count`, with the limit divided by `shares`, of which each instance of a fleet has one.
    func count(_ key: UInt64, at now: UInt64, shares: UInt64) -> UInt64? {
        let burst = max(1, burst / max(1, shares))
        return count(key, at: now, interval: interval * max(1, shares), tolerance: interval * shares * (burst - 1))
    }

    /// Counts one request less, of a key that has been counted.
    func takeBack(_ key: UInt64) {
        withPlace(of: key) { $0.time -= min($0.time, interval) }
    }

    /// Takes over what is counted elsewhere too: the key's time is ahead of `now` by at least so many microseconds.
    func learn(_ key: UInt64, ahead: UInt64, at now: UInt64) {
        // Nobody counts further ahead than this.
        let time = now + min(ahead, tolerance + interval)
        withPlace(of: key) { $0.time = max($0.time, time) }
    }

    /// As `learn`, of a key that is refused for another `wait` microseconds.
    func learn(_ key: UInt64, refusedFor wait: UInt64, at now: UInt64) {
        learn(key, ahead: tolerance + min(wait, interval), at: now)
    }

    @inline(__always)
    private func count(_ key: UInt64, at now: UInt64, interval: UInt64, tolerance: UInt64) -> UInt64? {
        withPlace(of: key) { place in
            let time = max(place.time, now)
            if time - now > tolerance { return time - now - tolerance }
            place.time = time + interval
            return nil
        }
    }

    @inline(__always)
    private func withPlace<Result>(of key: UInt64, _ body: (inout Place) -> Result) -> Result {
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
            return body(&places[chosen])
        }
    }

    /// The parameters of the algorithm, in microseconds.
    var parameters: (interval: UInt64, tolerance: UInt64) { (interval, tolerance) }
}
