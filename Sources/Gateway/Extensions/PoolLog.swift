import ISAPI
import Logging

/// Logs what happens to the processes of a pool.
struct PoolLog: Sendable {
    /// `pool legacy`, or `extension orders` of an extension with a pool of its own.
    private let subject: String
    private let logger: Logger

    init(_ pool: PoolConfiguration, _ logger: Logger) {
        subject = pool.isShared ? "pool \(pool.name)" : "extension \(pool.name)"
        self.logger = logger
    }

    func report(_ report: PoolReport) {
        switch report {
        case .started(let pid): logger.notice("\(subject): process \(pid) is ready")
        case .crashed(let pid, let reason, let requests, let descriptions):
            let inside = requests == 1 ? "1 request was" : "\(requests) requests were"
            logger.error(
                "\(subject): process \(pid): \(reason); \(inside) in it (\(Condition.Word.poolProcessCrashed.rawValue))"
            )
            for description in descriptions { logger.error("\(subject): process \(pid): in it was \(description)") }
        case .recycled(let pid, let reason):
            logger.notice("\(subject): process \(pid) gets no more requests: it \(reason.text) (\(reason.rawValue))")
        case .notStarted(let reason): logger.error("\(subject): a process could not be started: \(reason)")
        case .cannotLoad(let error): logger.error("\(error.description)")
        case .paused(let rapidFail):
            logger.critical(
                """
                \(subject): stopped for \(rapidFail.pause): \(rapidFail.crashes) processes crashed within \
                \(rapidFail.within) (\(Condition.Word.poolStopped.rawValue))
                """)
        case .resumed: logger.notice("\(subject): processes are started again")
        case .ended(let pid, true): logger.info("\(subject): process \(pid) ended")
        case .ended(let pid, false):
            logger.warning("\(subject): process \(pid) did not end in time and was killed")
        case .notice(let text): logger.warning("\(subject): \(text)")
        case .commandFailed(let text): logger.error("\(subject): on_end: \(text)")
        }
    }
}
