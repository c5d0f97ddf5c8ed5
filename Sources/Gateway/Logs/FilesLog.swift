import HTTP
import Logging
import StaticFiles
import Transport

/// Logs problems with files, each reason at most once a second.
final class FilesLog: FilesReporter, @unchecked Sendable {
    private let logs: [ReasonLog]

    init(_ logger: Logger, _ workers: [Worker]) {
        logs = workers.map { ReasonLog("file not served", logger: logger, worker: $0) }
    }

    func report(_ problem: String, request: RequestID, worker: Int) {
        logs[worker].note(problem, from: nil, request: request)
    }
}
