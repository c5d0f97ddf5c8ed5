import Transport

package struct LogConfiguration: Sendable, Equatable {
    package var level = Level.info
    package var format = Format.text
    /// For how long lines that repeat one are held back and counted; nil to write them all. Long enough for a fault that
    /// comes back every second, short enough for the count to be news.
    package var repeats: Duration? = .seconds(10)
    /// Empty when requests are not logged.
    package var access: [AccessLogConfiguration] = []

    /// From the most to the least verbose.
    package enum Level: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error
    }

    /// The lines on standard error.
    package enum Format: Sendable {
        case text, json
        /// Text on a terminal, JSON otherwise.
        case auto
    }
}

/// One of the logs that contain a line for each request.
package struct AccessLogConfiguration: Sendable, Equatable {
    /// What sites and routes call it.
    package var name = "access"
    package var destination: Destination
    package var format = Format.combined
    /// Whether it is used for requests of sites that name no logs, and for requests without a site.
    package var isDefault = true
    package var conditions = LogConditions()
    /// Bytes of lines that may wait to be written.
    package var buffer = 8 << 20
    /// When a file is put aside; nil for never.
    package var rotation: LogRotation?
    /// For the slow log, which also has lines of requests in progress.
    package var slow: SlowLogConfiguration?

    /// The number of logs that a configuration may have: exchanges choose among them by the bits of a number.
    package static let maximumCount = 31

    package enum Destination: Sendable, Equatable {
        case standardOutput
        /// An absolute path.
        case file(String)
        case syslog(SyslogConfiguration)
    }

    package enum Format: Sendable, Equatable {
        /// The format of Apache httpd and nginx.
        case combined
        /// An object for each line, with these fields.
        case json([LogField])
        /// The W3C extended format, with these fields.
        case w3c([LogField])
        /// Text with fields in it.
        case template([LogTemplatePiece])

        var isJSON: Bool { if case .json = self { true } else { false } }

        /// Whether a field has to be noted while the request is in progress.
        var needsTimes: Bool { fields.contains(where: \.needsTimes) }
    }
}

/// What the slow log has besides one line for each request that took longer than `LogConditions.slowerThan`: one when it
/// exceeds that time.
package struct SlowLogConfiguration: Sendable, Equatable {
    /// The name by which sites and routes choose it.
    package static let name = "slow"

    /// Whether the line has the stack of the thread that runs the extension.
    package var takesStacks = true
    /// Each stack interrupts a thread, and takes about a millisecond of another one.
    package var stacksPerSecond = 5
}

/// When the lines of a log continue in a new file, and how many of the earlier files are kept.
package struct LogRotation: Sendable, Equatable {
    /// The size in bytes that a file does not exceed; nil for no limit.
    package var size: Int?
    /// Whether every day, in UTC, has a file of its own.
    package var isDaily = false
    package var keep = 7
}

/// A syslog daemon that receives the lines as messages of RFC 5424.
package struct SyslogConfiguration: Sendable, Equatable {
    package var address: Address
    /// The number of the facility (RFC 5424 §6.2.1).
    package var facility = 16
    package var tag = "isagate"

    package enum Address: Sendable, Equatable {
        /// The absolute path of a datagram socket.
        case unix(String)
        case udp(BindAddress)
    }

    /// The severity of every line: informational.
    package static let severity = 6
}

/// A piece of the template of a line.
package enum LogTemplatePiece: Sendable, Equatable {
    case literal(String)
    case field(LogField)
}

/// Which requests have a line; all conditions have to hold.
package struct LogConditions: Sendable, Equatable {
    /// Nil for every status.
    package var statuses: [ClosedRange<Int>]?
    /// Only requests that took at least as long.
    package var slowerThan = Duration.zero
    /// One line for so many requests that meet the other conditions.
    package var sample = 1
}

extension Configuration {
    /// Whether metrics, a log or the recorder show how long requests wait for extensions, and run there.
    var keepsExtensionTimes: Bool {
        admin.isListening || recorder != nil
            || log.access.contains { log in
                log.slow != nil
                    || log.format.fields.contains {
                        $0.needsTimes || $0.kind == .extensionWait || $0.kind == .extensionRun
                    }
            }
    }
}

extension AccessLogConfiguration.Format {
    fileprivate var fields: [LogField] {
        switch self {
        case .combined: []
        case .json(let fields), .w3c(let fields): fields
        case .template(let pieces):
            pieces.compactMap { piece in
                if case .field(let field) = piece { field } else { nil }
            }
        }
    }
}
