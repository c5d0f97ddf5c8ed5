import HTTP
import Logging
import Transport

/// Counts things that clients can cause at any rate, by reason, and logs each reason at most once a second.
///
/// One per worker and topic, so nothing is locked.
final class ReasonLog {
    private struct Entry {
        var total = 0
        var unreported = 0
        var reportedSecond = Int64.min
    }

    private let topic: String
    private let logger: Logger
    private unowned let worker: Worker
    private var entries: [String: Entry] = [:]

    /// Reasons are few; this keeps a surprise from growing without limit.
    private static let reasonLimit = 256

    /// - Parameter topic: what happened, for the beginning of the line: `request refused`.
    init(_ topic: String, logger: Logger, worker: Worker) {
        self.topic = topic
        self.logger = logger
        self.worker = worker
    }

    /// Counts one more; `reason` is one of a bounded set of texts, never a client's words.
    ///
    /// - Parameter request: the request that it happened to, where there is one.
    @inline(never)
    func note(_ reason: String, from client: SocketAddress?, request: RequestID? = nil) {
        let reason = entries[reason] != nil || entries.count < Self.reasonLimit ? reason : "other reasons"
        var entry = entries[reason] ?? Entry()
        entry.total += 1
        entry.unreported += 1
        if entry.reportedSecond != worker.wallSeconds {
            entry.reportedSecond = worker.wallSeconds
            let others = entry.unreported > 1 ? ", \(entry.unreported - 1) more like it since the last line" : ""
            let origin = client.map { ", client \($0.host)" } ?? ""
            let name = request.map { ", request \($0.text)" } ?? ""
            logger.info("\(topic): \(reason)\(origin)\(name)\(others)")
            entry.unreported = 0
        }
        entries[reason] = entry
    }
}
