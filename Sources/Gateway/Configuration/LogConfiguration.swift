import Transport

package struct LogConfiguration: Sendable, Equatable {
    package var level = Level.info
    /// Empty when requests are not logged.
    package var access: [AccessLogConfiguration] = []

    /// From the most to the least verbose.
    package enum Level: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error
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

    /// The number of logs that a configuration may have: exchanges choose among them by the bits of a number.
    package static let maximumCount = 31

    package enum Destination: Sendable, Equatable {
        case standardOutput
        /// An absolute path.
        case file(String)
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
    }
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
