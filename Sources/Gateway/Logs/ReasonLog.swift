import HTTP
import Logging
import Synchronization
import Transport

/// Counts events that clients can cause at any rate, by reason, and logs each reason at most once a second.
///
/// One per worker and topic, so that only readers of the totals ever wait for the lock.
final class ReasonLog: @unchecked Sendable {
    private struct Entry {
        var total = 0
        var unreported = 0
        var reportedSecond = Int64.min
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
    }

    /// Counts one more; `reason` is one of a bounded set of texts, never text of a client.
    ///
    /// - Parameter request: the request that it concerns, if there is one.
    @inline(never)
    func note(_ reason: String, from client: SocketAddress?, request: RequestID? = nil) {
        let (reason, unreported) = count(reason)
        guard unreported > 0 else { return }
        let others = unreported > 1 ? ", \(unreported - 1) more like it since the last line" : ""
        let origin = client.map { ", client \($0.host)" } ?? ""
        let name = request.map { ", request \($0.text)" } ?? ""
        logger.info("\(topic): \(reason)\(origin)\(name)\(others)")
    }

    /// How often each reason was noted since the start; from any thread.
    var totals: [RefusalCount] {
        entries.withLock { $0.map { RefusalCount(topic: topic, reason: $0.key, count: $0.value.total) } }
    }

    /// The reason under which it is counted, and how many of those have to be reported now.
    private func count(_ reason: String) -> (reason: String, unreported: Int) {
        let second = worker.wallSeconds
        return entries.withLock { entries in
            let reason = entries[reason] != nil || entries.count < Self.reasonLimit ? reason : "other reasons"
            var entry = entries[reason] ?? Entry()
            entry.total += 1
            entry.unreported += 1
            let isDue = entry.reportedSecond != second
            let unreported = isDue ? entry.unreported : 0
            if isDue { (entry.reportedSecond, entry.unreported) = (second, 0) }
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
