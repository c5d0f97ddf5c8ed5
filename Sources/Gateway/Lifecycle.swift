import Glibc
import Logging
import Transport

/// The gateway's life under signals: started, drained by TERM, INT or QUIT, stopped at once by a second one.
package struct Lifecycle {
    private let configuration: Configuration
    private let logger: Logger

    package init(_ configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Serves until told to end; returns once everything has been given back.
    package func run(_ signals: borrowing SignalReader) throws(GatewayError) {
        let notifier = signals.notifier
        let gateway = Gateway(configuration, logger: logger) { notifier.notify() }
        try gateway.start()
        let first = nextEnding(signals)
        logger.notice("draining (\(first == SIGQUIT ? "QUIT" : first == SIGINT ? "INT" : "TERM"))")
        gateway.drain()
        let isOrderly = awaitStop(gateway, signals, grace: first == SIGQUIT ? nil : configuration.drain.grace)
        gateway.finish(within: isOrderly ? configuration.drain.grace : .seconds(1))
    }

    private func nextEnding(_ signals: borrowing SignalReader) -> Int32 {
        while true {
            guard case .signal(let signal) = signals.next(within: nil) else { continue }
            switch signal {
            case SIGTERM, SIGINT, SIGQUIT: return signal
            default: logger.warning("signal \(signal) has no meaning yet")
            }
        }
    }

    /// True when every connection ended by itself.
    private func awaitStop(_ gateway: Gateway, _ signals: borrowing SignalReader, grace: Duration?) -> Bool {
        let end = grace.map { ContinuousClock.now + $0 }
        var isAborted = false
        while true {
            let timeout = end.map { Int32(clamping: Delay(max(.zero, $0 - ContinuousClock.now)).milliseconds) }
            switch signals.next(within: isAborted ? nil : timeout) {
            case .notified: return !isAborted
            case .signal(SIGTERM), .signal(SIGINT), .signal(SIGQUIT):
                logger.notice("second signal: stopping at once")
                isAborted = true
                gateway.abort()
            case .signal: continue
            case .timeout:
                logger.warning("grace period over: cutting the connections that are left")
                isAborted = true
                gateway.abort()
            }
        }
    }
}
