import FoundationEssentials
import Memory
import Synchronization
import Transport

/// A request that was recorded, as `isagate trace` prints it.
package struct TraceRecord: Codable, Equatable, Sendable {
    /// When the request ended: RFC 3339, UTC, with milliseconds.
    package var time: String
    package var worker: Int
    /// The number of the request on its worker.
    package var sequence: UInt64
    package var client: String
    package var listener: String
    /// The first host of the site; nil if no site was found.
    package var site: String?
    /// The kind of the route: `extension`, `proxy`, `files`, `respond`, `redirect`; nil if no route was found.
    package var route: String?
    /// `TLSv1.3`; nil without TLS.
    package var tls: String?
    /// Nil, as is all of the head, for a request that was refused before it was understood.
    package var method: String?
    package var target: String?
    package var version: String?
    package var host: String?
    package var fields: [Field]
    /// Whether a part of the target, or some of the fields, are left out because they are too long.
    package var isHeadCut: Bool
    package var hasBody: Bool
    package var status: Int
    /// The reason for the status, if the gateway has chosen it.
    package var reason: String?
    /// Whether the response was cut off.
    package var isCut: Bool
    package var requestID: String?
    package var traceID: String?
    package var extensionName: String?
    package var pool: String?
    package var upstream: String?
    package var server: String?
    package var retries: Int
    package var requestBytes: UInt64
    package var responseBytes: UInt64
    package var milliseconds: Times

    package struct Field: Codable, Equatable, Sendable {
        package var name: String
        /// With `***` in place of what is masked.
        package var value: String
        /// The length of the value that was received, where something is masked.
        package var maskedBytes: Int?
    }

    /// Where the time went, in milliseconds; nil where that does not apply.
    package struct Times: Codable, Equatable, Sendable {
        package var total: UInt64
        package var head: UInt64?
        package var queue: UInt64?
        package var connect: UInt64?
        package var wait: UInt64?
        package var response: UInt64?
        package var client: UInt64?
    }
}

/// What a gateway has recorded, for one client of the control socket.
package struct TraceReport: Codable, Equatable, Sendable {
    /// In the order in which the requests ended.
    package var records: [TraceRecord]
    /// Where the next question goes on.
    package var cursor: TraceCursor
    /// Requests that were displaced before they were read.
    package var missed: UInt64
}

extension TraceReport {
    /// Decodes what the workers have found.
    init(_ collected: [CollectedRecords], limit: Int?, process: Int32, sites: [Int32: String]) {
        let clock = RecordClock()
        let found = collected.flatMap { worker in
            worker.records.map { bytes in
                bytes.withBytes { (RecordView($0).ended, TraceRecord(RecordView($0), worker.worker, clock, sites)) }
            }
        }
        let sorted = found.sorted { ($0.0, $0.1.worker, $0.1.sequence) < ($1.0, $1.1.worker, $1.1.sequence) }
            .map(\.1)
        records = limit.map { Array(sorted.suffix($0)) } ?? sorted
        cursor = TraceCursor(process: process, last: collected.sorted { $0.worker < $1.worker }.map(\.last))
        missed = collected.map(\.missed).reduce(0, +)
    }
}

/// Translates the monotonic clock, which records have.
struct RecordClock {
    /// What the system's clock shows when the monotonic one is at 0, in milliseconds.
    private let offset: Int64

    /// The last one, which is kept until the system's clock is set: a request has the same time whenever it is asked for.
    private static let known = Mutex<Int64?>(nil)
    /// Two clocks in milliseconds that are read one after the other, by a thread that may be interrupted.
    private static let tolerance = 20

    init() {
        let monotonic = Int64(Deadline.current().milliseconds)
        let measured = Int64((Date().timeIntervalSince1970 * 1000).rounded()) - monotonic
        offset = Self.known.withLock { known in
            if let known, abs(known - measured) <= Self.tolerance { return known }
            known = measured
            return measured
        }
    }

    /// RFC 3339 with milliseconds.
    func text(of milliseconds: UInt64) -> String {
        let time = offset + Int64(milliseconds)
        let (seconds, rest) = time.quotientAndRemainder(dividingBy: 1000)
        let digits = String(rest + 1000).dropFirst()
        return Timestamp(unixSeconds: seconds).iso8601.dropLast() + ".\(digits)Z"
    }
}

extension TraceRecord {
    init(_ record: RecordView, _ worker: Int, _ clock: RecordClock, _ sites: [Int32: String]) {
        func text(_ text: RecordLayout.Text) -> String? {
            let bytes = record.text(text)
            return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
        }
        func duration(_ offset: Int) -> UInt64? {
            let number = record.number(at: offset)
            return number == RecordLayout.unknown ? nil : UInt64(number)
        }
        time = clock.text(of: record.ended)
        self.worker = worker
        sequence = record.sequence
        client = text(.client) ?? ""
        listener = text(.listener) ?? ""
        site = sites[RequestSeries.site(ofTag: record.tag)].flatMap { $0.isEmpty ? nil : $0 }
        let kind = RequestSeries.kind(ofTag: record.tag)
        route = kind == .none ? nil : kind.label
        tls = text(.tls)
        method = text(.method)
        target = text(.target)
        version = text(.version)
        host = text(.host)
        isHeadCut = record.flags.contains(.headIsCut)
        hasBody = record.flags.contains(.hasBody)
        status = record.status
        reason = text(.reason)
        isCut = record.flags.contains(.cut)
        requestID = text(.requestID)
        traceID = text(.traceID)
        extensionName = text(.extensionName)
        pool = text(.pool)
        upstream = text(.upstream)
        server = text(.server)
        retries = record.retries
        requestBytes = record.large(at: RecordLayout.requestBytes)
        responseBytes = record.large(at: RecordLayout.responseBytes)
        milliseconds = Times(
            total: record.milliseconds, head: duration(RecordLayout.headMilliseconds),
            queue: duration(RecordLayout.queueMilliseconds), connect: duration(RecordLayout.connectMilliseconds),
            wait: duration(RecordLayout.waitMilliseconds), response: duration(RecordLayout.responseMilliseconds),
            client: duration(RecordLayout.clientMilliseconds))
        var fields: [Field] = []
        record.forEachField { kind, name, value, length in
            fields.append(
                Field(
                    name: String(decoding: name, as: UTF8.self),
                    value: kind == .masked ? "***" : String(decoding: value, as: UTF8.self),
                    maskedBytes: kind == .whole ? nil : length))
        }
        self.fields = fields
    }
}
