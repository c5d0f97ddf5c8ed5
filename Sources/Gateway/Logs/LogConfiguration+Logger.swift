import Logging

extension LogConfiguration {
    /// The gateway's logger: standard error, at the configured level.
    package func makeLogger() -> Logger {
        let level = self.level.loggerLevel
        return Logger(label: "isagate") { _ in StandardErrorLog(logLevel: level) }
    }
}

extension LogConfiguration.Level {
    fileprivate var loggerLevel: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }
}
