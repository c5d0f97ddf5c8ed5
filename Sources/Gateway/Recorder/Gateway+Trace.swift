import Glibc
import Synchronization

extension Gateway {
    func trace(_ filter: TraceFilter, _ done: @escaping @Sendable ([CollectedRecords]) -> Void) -> Bool {
        guard isRecording else { return false }
        let workers = recordingServers
        var site: Int32?
        if let label = filter.site {
            // No request has the number.
            site = siteNumbers.number(ofLabel: label) ?? -1
        }
        let query = TraceQuery(filter, site: site, process: getpid(), workers: workers.count)
        let found = FoundRecords()
        let ends = Countdown { done(found.all) }
        ends.start(from: workers.count)
        for server in workers {
            server.worker.perform { _ in
                found.add(server.collect(query))
                ends.step()
            }
        }
        return true
    }

    func report(_ collected: [CollectedRecords], for filter: TraceFilter) -> TraceReport {
        TraceReport(
            collected, limit: filter.after == nil ? filter.limit : nil, process: getpid(), sites: siteNumbers.labels)
    }
}

/// What the workers have found, each on its own thread.
private final class FoundRecords: Sendable {
    private let found = Mutex<[CollectedRecords]>([])

    func add(_ records: CollectedRecords) {
        found.withLock { $0.append(records) }
    }

    var all: [CollectedRecords] { found.withLock { $0 } }
}
