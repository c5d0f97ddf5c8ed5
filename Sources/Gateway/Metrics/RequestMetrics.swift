import HTTP
import Memory
import Synchronization
import Transport

/// The requests that one worker has answered: by site, kind of route, method and class of status, with times and bytes.
///
/// Only the worker writes, so that nothing on the path of a request is shared or locked; any thread may read.
@safe
final class RequestMetrics: @unchecked Sendable {
    let buckets: [UInt64]
    /// The worker, which owns this.
    private let worker: Unretained<Worker>
    /// By tag; the counters are kept alive by `made`.
    private var rows: [Unretained<RouteCounters>?] = []
    private let made = Mutex<[Int32: RouteCounters]>([:])
    let codings = CodingCounters()

    /// - Parameter buckets: upper bounds in milliseconds, ascending, at most `RouteCounters.bucketLimit`.
    init(buckets: [UInt64], worker: Worker) {
        self.buckets = buckets
        unsafe self.worker = Unretained(unchecked: worker)
    }

    /// Counts an exchange that has ended; on the worker's thread.
    func record(_ exchange: Exchange) {
        let measures = exchange.measures
        let tag = Int(measures.tag)
        let counters = tag < rows.count ? rows[tag] ?? makeRow(tag) : makeRow(tag)
        let (now, second) = worker.with { ($0.now, $0.wallSeconds) }
        let bucket = counters.with { $0.count(measures, until: now, in: second) }
        if let bucket { keepExemplar(exchange, in: bucket, of: counters, now, second) }
        if let coding = measures.coding { noteCoding(coding, exchange, measures) }
    }

    /// A bucket has an exemplar of each second in which it gets a request.
    @inline(never)
    private func keepExemplar(
        _ exchange: Exchange, in bucket: Int, of counters: Unretained<RouteCounters>, _ now: Deadline, _ second: Int64
    ) {
        guard !exchange.head.methodToken.isEmpty else { return }
        let trace = exchange.traceContext.flatMap { $0.flags.contains(.sampled) ? $0 : nil }
        let exemplar = Exemplar(
            request: exchange.requestID, trace: trace, milliseconds: now.milliseconds - exchange.began.milliseconds,
            unixSeconds: second)
        counters.with { $0.keep(exemplar, in: bucket) }
    }

    @inline(never)
    private func noteCoding(_ coding: StaticString, _ exchange: Exchange, _ measures: ExchangeMeasures) {
        codings.note(coding, uncoded: exchange.appliedCoding?.uncodedBytes ?? 0, coded: measures.sentBytes)
    }

    /// The first request of a series makes its counters.
    @inline(never)
    private func makeRow(_ tag: Int) -> Unretained<RouteCounters> {
        while rows.count <= tag { rows.append(nil) }
        let counters = RouteCounters(buckets: buckets)
        made.withLock { $0[Int32(tag)] = counters }
        let row = unsafe Unretained(unchecked: counters)
        rows[tag] = row
        return row
    }

    /// What was counted, by tag.
    var counts: [Int32: RouteCounts] {
        made.withLock { $0 }.mapValues(\.counts)
    }

    /// Adds all of it to a sum.
    func add(to totals: inout RequestTotals) {
        for counters in made.withLock({ $0 }).values { counters.add(to: &totals) }
    }
}

/// The counters of one series of requests on one worker.
@safe
final class RouteCounters: @unchecked Sendable {
    static let methods = 10
    /// 1xx to 5xx.
    static let classes = 5
    static let bucketLimit = 32
    /// Keeps what other workers count out of the processor's cache lines of this one.
    private static let padding = 8
    private static let firstBucket = padding + methods * classes
    private static let milliseconds = firstBucket + bucketLimit + 1
    private static let received = milliseconds + 1
    private static let sent = received + 1

    private let cells = InlineArray<102, WorkerCounter> { _ in WorkerCounter() }
    /// The upper bounds; the last is above every time.
    private let bounds: InlineArray<33, UInt64>
    private let bucketCount: Int
    /// The second of each bucket's exemplar; of the worker alone.
    private var exemplarSeconds = InlineArray<33, Int64>(repeating: .min)
    private let kept = Mutex<[Exemplar?]>(Array(repeating: nil, count: bucketLimit + 1))

    init(buckets: [UInt64]) {
        precondition(Self.sent + 1 + Self.padding <= 102 && buckets.count <= Self.bucketLimit)
        bounds = InlineArray { $0 < buckets.count ? buckets[$0] : .max }
        bucketCount = buckets.count
    }

    /// - Returns: the bucket, if it wants an exemplar.
    @inline(__always)
    func count(_ measures: ExchangeMeasures, until end: Deadline, in second: Int64) -> Int? {
        let method = Self.padding + Int(measures.method.rawValue) * Self.classes
        cells[method + Self.group(of: measures.status)].add()
        let milliseconds = end.milliseconds - measures.began.milliseconds
        var bucket = 0
        while milliseconds > bounds[bucket] { bucket += 1 }
        cells[Self.firstBucket + bucket].add()
        if milliseconds > 0 { cells[Self.milliseconds].add(milliseconds) }
        cells[Self.received].add(measures.receivedBytes)
        if measures.sentBytes > 0 { cells[Self.sent].add(measures.sentBytes) }
        guard exemplarSeconds[bucket] != second else { return nil }
        exemplarSeconds[bucket] = second
        return bucket
    }

    func keep(_ exemplar: Exemplar, in bucket: Int) {
        kept.withLock { $0[bucket] = exemplar }
    }

    /// From 0 for 1xx to 4 for 5xx.
    @inline(__always)
    private static func group(of status: Int) -> Int {
        switch status {
        case ..<200: 0
        case ..<300: 1
        case ..<400: 2
        case ..<500: 3
        default: 4
        }
    }

    /// Calls `body` with each class of status, from 0 for 1xx, and its count for each method.
    func forEachClass(_ body: (_ group: Int, _ count: UInt64) -> Void) {
        for index in 0..<Self.methods * Self.classes {
            let count = cells[Self.padding + index].count
            if count > 0 { body(index % Self.classes, count) }
        }
    }

    func forEachBucket(_ body: (_ bucket: Int, _ count: UInt64) -> Void) {
        for bucket in 0...bucketCount { body(bucket, cells[Self.firstBucket + bucket].count) }
    }

    var transferred: (milliseconds: UInt64, received: UInt64, sent: UInt64) {
        (cells[Self.milliseconds].count, cells[Self.received].count, cells[Self.sent].count)
    }

    var counts: RouteCounts {
        RouteCounts(
            requests: (0..<Self.methods * Self.classes).map { cells[Self.padding + $0].count },
            buckets: (0...bucketCount).map { cells[Self.firstBucket + $0].count },
            milliseconds: cells[Self.milliseconds].count, received: cells[Self.received].count,
            sent: cells[Self.sent].count, exemplars: Array(kept.withLock { $0 }.prefix(bucketCount + 1)))
    }
}

/// What was counted of one series of requests, by one worker or by several.
struct RouteCounts: Equatable {
    /// By method and class of status, the classes of a method beside each other.
    var requests: [UInt64]
    /// Requests by the first bucket they fit in; the last one is for all times beyond.
    var buckets: [UInt64]
    var milliseconds: UInt64
    var received: UInt64
    var sent: UInt64
    /// The last one of each bucket.
    var exemplars: [Exemplar?] = []

    mutating func add(_ other: RouteCounts) {
        requests = zip(requests, other.requests).map(+)
        buckets = zip(buckets, other.buckets).map(+)
        milliseconds += other.milliseconds
        received += other.received
        sent += other.sent
        exemplars = zip(exemplars, other.exemplars).map { one, two in
            (one?.unixSeconds ?? .min) < (two?.unixSeconds ?? .min) ? two : one
        }
    }
}
