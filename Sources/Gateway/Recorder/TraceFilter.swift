import Memory
import Transport

/// Which recorded requests are asked for; all conditions have to hold.
package struct TraceFilter: Codable, Equatable, Sendable {
    /// The lowest and the highest status.
    package var statuses: ClosedRange<Int>?
    /// The beginning of the path, as it was sent.
    package var path: String?
    package var client: String?
    /// The first host of the site.
    package var site: String?
    package var atLeastMilliseconds: UInt64?
    package var requestID: String?
    package var failedOnly = false
    /// The most requests in an answer.
    package var limit = TraceFilter.usualLimit
    /// Where an earlier answer ended: only what was recorded since then is asked for, from the oldest on.
    package var after: TraceCursor?

    package static let usualLimit = 100
    package static let highestLimit = 1000

    package init() {}

    /// `404`, `5xx` or `400-499`; nil if it is none of them.
    package static func statuses(_ text: String) -> ClosedRange<Int>? {
        let possible = 100...999
        if let status = Int(text) { return possible.contains(status) ? status...status : nil }
        if text.count == 3, text.hasSuffix("xx"), let first = text.first?.wholeNumberValue, 1...9 ~= first {
            return first * 100...first * 100 + 99
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count == 2, let low = ends[0], let high = ends[1], possible.contains(low), possible.contains(high),
            low <= high
        else { return nil }
        return low...high
    }

    /// The address as it is recorded; nil if it is none.
    package static func address(_ text: String) -> String? { IPAddress(text)?.description }
}

/// How far requests have been read: the number of the last one of each worker of a process.
package struct TraceCursor: Codable, Equatable, Sendable {
    var process: Int32
    var last: [UInt64]
}

/// A filter as workers use it.
struct TraceQuery: Sendable {
    let limit: Int
    /// Bytes of each worker's records.
    let byteLimit: Int
    private let statuses: ClosedRange<Int>
    private let path: [UInt8]
    private let client: [UInt8]?
    private let requestID: [UInt8]?
    private let atLeast: UInt64
    private let failedOnly: Bool
    /// The number of the site; nil for every site.
    private let site: Int32?
    private let after: [UInt64]?

    /// The answer passes through the supervisor, which does not wait long for anything.
    private static let answerBytes = 2 << 20

    /// - Parameter site: nil for every site.
    init(_ filter: TraceFilter, site: Int32?, process: Int32, workers: Int) {
        limit = max(1, min(filter.limit, TraceFilter.highestLimit))
        byteLimit = max(64 << 10, Self.answerBytes / max(1, workers))
        statuses = filter.statuses ?? 0...Int.max
        path = Array((filter.path ?? "").utf8)
        client = filter.client.map { Array($0.utf8) }
        requestID = filter.requestID.map { Array($0.utf8) }
        atLeast = filter.atLeastMilliseconds ?? 0
        failedOnly = filter.failedOnly
        self.site = site
        // What another process has recorded is gone: all of this one is new.
        after = filter.after.map { $0.process == process ? $0.last : [] }
    }

    /// The last number of a worker that the client has; nil if it wants the newest requests.
    func sequence(before worker: Int) -> UInt64? {
        after.map { worker < $0.count ? $0[worker] : 0 }
    }

    func matches(_ record: RecordView) -> Bool {
        guard statuses.contains(record.status), record.milliseconds >= atLeast else { return false }
        if failedOnly, !record.flags.contains(.failed) { return false }
        if let site, RequestSeries.site(ofTag: record.tag) != site { return false }
        if let requestID, !requestID.withBytes({ $0 == record.text(.requestID) }) { return false }
        if let client, !client.withBytes({ $0 == record.text(.client) }) { return false }
        return path.isEmpty || path.withBytes { record.path.starts(with: $0) }
    }
}

/// What a worker has found.
struct CollectedRecords: Sendable {
    var worker = 0
    var records: [[UInt8]] = []
    /// The number of the last request that was examined.
    var last: UInt64
    /// Requests that were displaced before they were read.
    var missed: UInt64 = 0

    init(last: UInt64) {
        self.last = last
    }
}
