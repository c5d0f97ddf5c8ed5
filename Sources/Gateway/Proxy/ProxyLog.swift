import HTTP
import Logging
import Proxy
import Transport

/// Logs failures of servers by reason, without flooding the log.
final class ProxyLog: ProxyReporter, @unchecked Sendable {
    private let log: ReasonLog
    private let logger: Logger

    init(_ logger: Logger, _ worker: Worker) {
        log = ReasonLog("upstream failed", logger: logger, worker: worker)
        self.logger = logger
    }

    private static let downCode = "(\(Condition.Word.upstreamServerDown.rawValue))"
    private static let ejectedCode = "(\(Condition.Word.upstreamServerEjected.rawValue))"

    func report(_ failure: ProxyFailure, upstream: String, server: String?, request: RequestID) {
        let place = server.map { "\(upstream) \($0)" } ?? upstream
        log.note("\(failure.reason)", about: place, detail: failure.detail, from: nil, request: request)
    }

    func ejected(_ server: String, upstream: String) {
        logger.warning(
            "upstream \(upstream): \(server) is left out for a while, because requests to it failed \(Self.ejectedCode)"
        )
    }

    func checked(_ server: String, upstream: String, _ outcome: CheckOutcome) {
        if outcome == .passed {
            logger.notice("upstream \(upstream): \(server) is well again")
        } else {
            logger.warning("upstream \(upstream): \(server) is down: \(outcome.reason) \(Self.downCode)")
        }
    }
}
