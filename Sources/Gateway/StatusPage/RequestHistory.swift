/// The requests of the last 15 minutes, in steps of a few seconds.
struct RequestHistory {
    /// Long enough to cost nothing, short enough to see a burst.
    static let stepSeconds = 5
    static let limit = 15 * 60 / stepSeconds

    /// One step.
    struct Step: Equatable {
        /// When it ended, in seconds since 1970.
        let end: Int64
        /// How long it took; a busy machine makes it longer than it should be.
        let seconds: Double
        let counts: RequestTotals
        /// Nil for a step without requests.
        let latency: Latency?
    }

    /// Half of the requests, nine of ten, and 99 of a hundred took no longer; in milliseconds.
    struct Latency: Equatable, Encodable {
        let p50: Double
        let p90: Double
        let p99: Double
    }

    private(set) var steps: [Step] = []
    /// How many there have been.
    private(set) var number = 0
    /// What the counters showed at the end of the last step.
    private var previous: (totals: RequestTotals, bounds: [UInt64], milliseconds: UInt64)?

    /// Adds what has been counted since the last call; the first one only begins.
    ///
    /// - Parameters:
    ///   - bounds: the upper bounds of the buckets.
    ///   - milliseconds: on a clock that nobody sets.
    ///   - now: in seconds since 1970.
    mutating func add(_ totals: RequestTotals, bounds: [UInt64], milliseconds: UInt64, now: Int64) {
        defer { previous = (totals, bounds, milliseconds) }
        guard let previous, milliseconds > previous.milliseconds else { return }
        // Other buckets begin at 0.
        let isContinued = previous.bounds == bounds && totals.continues(previous.totals)
        let counts = isContinued ? totals.subtracting(previous.totals) : totals
        if steps.count == Self.limit { steps.removeFirst() }
        number += 1
        steps.append(
            Step(
                end: now, seconds: Double(milliseconds - previous.milliseconds) / 1000, counts: counts,
                latency: Latency(counts.buckets, bounds)))
    }

    var latencyOfLastMinute: Latency? {
        guard let bounds = previous?.bounds else { return nil }
        var sum = [UInt64](repeating: 0, count: bounds.count + 1)
        for step in steps.suffix(60 / Self.stepSeconds) where step.counts.buckets.count == sum.count {
            sum = zip(sum, step.counts.buckets).map(+)
        }
        return Latency(sum, bounds)
    }
}

extension RequestHistory.Latency {
    /// - Parameter buckets: requests by the first bound that they do not exceed; the last one is for all times beyond.
    init?(_ buckets: [UInt64], _ bounds: [UInt64]) {
        guard
            let p50 = Self.quantile(0.5, buckets, bounds), let p90 = Self.quantile(0.9, buckets, bounds),
            let p99 = Self.quantile(0.99, buckets, bounds)
        else { return nil }
        (self.p50, self.p90, self.p99) = (p50, p90, p99)
    }

    /// Estimated as within a bucket of evenly distributed times; of times beyond the last bound, that bound.
    static func quantile(_ quantile: Double, _ buckets: [UInt64], _ bounds: [UInt64]) -> Double? {
        let count = buckets.reduce(0, +)
        guard count > 0 else { return nil }
        let rank = quantile * Double(count)
        var below: UInt64 = 0
        for (bound, requests) in zip(bounds.indices, buckets) where requests > 0 {
            if Double(below + requests) >= rank {
                let start = bound == 0 ? 0 : Double(bounds[bound - 1])
                return start + (Double(bounds[bound]) - start) * (rank - Double(below)) / Double(requests)
            }
            below += requests
        }
        return bounds.last.map { Double($0) }
    }
}

/// What was counted of all requests together.
struct RequestTotals: Equatable {
    /// By class of status, from 1xx to 5xx.
    var classes: [UInt64]
    /// As in `RouteCounts`.
    var buckets: [UInt64]
    var milliseconds: UInt64 = 0
    var received: UInt64 = 0
    var sent: UInt64 = 0

    /// - Parameter bounds: the number of upper bounds.
    init(bounds: Int) {
        classes = Array(repeating: 0, count: RouteCounters.classes)
        buckets = Array(repeating: 0, count: bounds + 1)
    }

    var requests: UInt64 { classes.reduce(0, +) }

    /// Whether no counter is lower than in `earlier`.
    fileprivate func continues(_ earlier: RequestTotals) -> Bool {
        received >= earlier.received && sent >= earlier.sent && zip(classes, earlier.classes).allSatisfy(>=)
            && buckets.count == earlier.buckets.count && zip(buckets, earlier.buckets).allSatisfy(>=)
            && milliseconds >= earlier.milliseconds
    }

    fileprivate func subtracting(_ earlier: RequestTotals) -> RequestTotals {
        var difference = self
        difference.classes = zip(classes, earlier.classes).map { $0 - $1 }
        difference.buckets = zip(buckets, earlier.buckets).map { $0 - $1 }
        difference.milliseconds -= earlier.milliseconds
        difference.received -= earlier.received
        difference.sent -= earlier.sent
        return difference
    }
}

extension RouteCounters {
    /// Adds what was counted to a sum; less work than to make the counts of each series first.
    func add(to totals: inout RequestTotals) {
        forEachClass { totals.classes[$0] += $1 }
        forEachBucket { bucket, count in
            if bucket < totals.buckets.count { totals.buckets[bucket] += count }
        }
        totals.milliseconds += transferred.milliseconds
        totals.received += transferred.received
        totals.sent += transferred.sent
    }
}
