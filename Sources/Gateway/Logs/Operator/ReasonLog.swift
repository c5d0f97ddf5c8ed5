import HTTP
import Logging
import Synchronization
import Transport

/// Counts events that clients can cause at any rate, by reason, and logs each reason at most once a second.
///
/// One per worker and topic, so that only readers of the totals ever wait for the lock.
final class ReasonLog: @unchecked Sendable {
    private struct Entry {
        let what: What
        var total = 0
        var unreported = 0
        var reportedSecond = Int64.min
        var lastSecond: Int64 = 0
        /// Of the last one that was logged.
        var client: SocketAddress?
        var request: RequestID?
    }

    /// A reason, apart from what varies within it.
    private struct What {
        var reason: String
        var subject: String?
        var detail: String?

        var text: String {
            (subject.map { "\($0): " } ?? "") + reason + (detail.map { ": \($0)" } ?? "")
        }
    }

    private let topic: String
    private let logger: Logger
    private unowned let worker: Worker
    private let entries = Mutex<[String: Entry]>([:])

    /// There are few reasons; this limits the memory in any case.
    private static let reasonLimit = 256

    /// - Parameter topic: what happened, for the beginning of the line: `request refused`.
    init(_ topic: String, logger: Logger, worker: Worker) {
        self.topic = topic
        self.logger = logger
        self.worker = worker
        logger.recentEvents?.register(self)
    }

    /// Counts one more; `reason` is one of a bounded set of texts, never text of a client.
    ///
    /// - Parameters:
    ///   - subject: what it concerns, in front of the reason.
    ///   - detail: behind the reason.
    ///   - request: the request that it concerns, if there is one.
    @inline(never)
    func note(
        _ reason: String, about subject: String? = nil, detail: String? = nil, from client: SocketAddress?,
        request: RequestID? = nil
    ) {
        let what = What(reason: reason, subject: subject, detail: detail)
        let (reason, unreported) = count(what, client, request)
        guard unreported > 0 else { return }
        let others = unreported > 1 ? ", \(unreported - 1) more like it since the last line" : ""
        let origin = client.map { ", client \($0.host)" } ?? ""
        let name = request.map { ", request \($0.text)" } ?? ""
        logger.info("\(topic): \(reason)\(origin)\(name)\(others)", metadata: StandardErrorLog.counted)
    }

    /// How often each reason was noted since the start; from any thread.
    var totals: [RefusalCount] {
        entries.withLock { $0.map { RefusalCount(topic: topic, reason: $0.key, count: $0.value.total) } }
    }

    /// The same for the status page, with when and to whom it happened last; from any thread.
    var events: [RecentEvents.Event] {
        entries.withLock { Array($0.values) }.map { entry in
            RecentEvents.Event(
                topic: topic, subject: entry.what.subject, reason: entry.what.reason, detail: entry.what.detail,
                severity: .warning, count: entry.total, last: entry.lastSecond, client: entry.client?.host,
                request: entry.request?.text)
        }
    }

    /// The reason under which it is counted, and how many of those have to be reported now.
    private func count(
        _ what: What, _ client: SocketAddress?, _ request: RequestID?
    ) -> (reason: String, unreported: Int) {
        let second = worker.wallSeconds
        let text = what.text
        return entries.withLock { entries in
            let isKept = entries[text] != nil || entries.count < Self.reasonLimit
            let reason = isKept ? text : "other reasons"
            var entry = entries[reason] ?? Entry(what: isKept ? what : What(reason: reason))
            entry.total += 1
            entry.unreported += 1
            entry.lastSecond = second
            let isDue = entry.reportedSecond != second
            let unreported = isDue ? entry.unreported : 0
            if isDue {
                (entry.reportedSecond, entry.unreported) = (second, 0)
                (entry.client, entry.request) = (client, request)
            }
            entries[reason] = entry
            return (reason, unreported)
        }
    }
}

/// How often clients were refused, or cut off, for one reason.
package struct RefusalCount: Codable, Equatable, Sendable {
    /// What happened: `connection refused`, `request refused`.
    package var topic: String
    package var reason: String
    package var count: Int

    /// The counts of several workers as one, in alphabetical order.
    static func sum(of counts: some Sequence<RefusalCount>) -> [RefusalCount] {
        var sums: [[String]: RefusalCount] = [:]
        for one in counts { sums[[one.topic, one.reason], default: one.none].count += one.count }
        return sums.values.sorted { ($0.topic, $0.reason) < ($1.topic, $1.reason) }
    }

    private var none: RefusalCount { RefusalCount(topic: topic, reason: reason, count: 0) }
}
