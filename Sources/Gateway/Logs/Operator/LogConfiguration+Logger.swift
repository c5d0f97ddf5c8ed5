import Glibc
import Logging

extension LogConfiguration {
    /// The gateway's logger: standard error, at the configured level.
    package func makeLogger() -> Logger {
        let level = self.level.loggerLevel
        let log = StandardErrorLog.make(level, isJSON: format.isJSON, holdingRepeatsFor: repeats)
        return Logger(label: "isagate") { _ in log }
    }
}

extension LogConfiguration.Format {
    fileprivate var isJSON: Bool {
        switch self {
        case .text: false
        case .json: true
        case .auto: isatty(STDERR_FILENO) == 0
        }
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
