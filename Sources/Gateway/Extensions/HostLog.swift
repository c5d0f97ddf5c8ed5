import ISAPI
import Logging

/// Logs what happens to the processes of an isolated extension.
struct HostLog: Sendable {
    private let name: String
    private let logger: Logger

    init(_ name: String, _ logger: Logger) {
        self.name = name
        self.logger = logger
    }

    func report(_ report: HostReport) {
        switch report {
        case .started(let pid): logger.notice("extension \(name): process \(pid) is ready")
        case .crashed(let pid, let reason, let requests):
            let inside = requests == 1 ? "1 request was" : "\(requests) requests were"
            logger.error("extension \(name): process \(pid): \(reason); \(inside) in it")
        case .notStarted(let reason): logger.error("extension \(name): a process could not be started: \(reason)")
        case .paused(let rapidFail):
            logger.critical(
                """
                extension \(name): stopped for \(rapidFail.pause): \(rapidFail.crashes) processes crashed within \
                \(rapidFail.within)
                """)
        case .resumed: logger.notice("extension \(name): processes are started again")
        case .ended(let pid, true): logger.info("extension \(name): process \(pid) ended")
        case .ended(let pid, false):
            logger.warning("extension \(name): process \(pid) did not end in time and was killed")
        }
    }
}

extension ExtensionConfiguration {
    /// How its processes are started.
    func launch() throws(ExtensionLoadError) -> HostLaunch {
        var launch = try HostLaunch(extension: name, path: library, paths: paths, threads: threads)
        launch.environment = isolation.environment
        launch.startLimit = isolation.startLimit
        launch.stopLimit = isolation.stopLimit
        launch.pingInterval = isolation.pingInterval
        launch.pingTimeout = isolation.pingTimeout
        return launch
    }
}
