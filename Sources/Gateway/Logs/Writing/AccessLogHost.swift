import Dispatch
import Logging
import Transport

/// The access logs of the gateway: their writers stay in use across reloads that do not change them.
final class AccessLogHost {
    private let logger: Logger
    /// Those of the configuration that is served.
    private var current: [AccessLogTarget] = []
    /// Those of earlier configurations, as long as requests have lines for them.
    private var earlier: [Earlier] = []

    private struct Earlier {
        weak var writer: LogWriter?
    }

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Opens what is new.
    func prepare(_ configurations: [AccessLogConfiguration]) throws(GatewayError) -> AccessLogSet {
        var targets: [AccessLogTarget] = []
        for configuration in configurations {
            let bit = unusedBit(for: configuration, besides: targets)
            if let same = current.first(where: { $0.configuration == configuration }) {
                targets.append(same)
                continue
            }
            targets.append(AccessLogTarget(configuration, bit: bit, writer: try open(configuration)))
        }
        return AccessLogSet(targets: targets)
    }

    /// Requests in progress keep the bits of their logs over a reload: a log that stays keeps its bit, and a new one has
    /// one that was not in use.
    private func unusedBit(for new: AccessLogConfiguration, besides targets: [AccessLogTarget]) -> UInt32 {
        if let same = current.first(where: { $0.configuration.name == new.name }) { return same.bit }
        let used = (current + targets).reduce(0) { $0 | $1.bit }
        let own = targets.reduce(0) { $0 | $1.bit }
        let bits = (0..<AccessLogConfiguration.maximumCount).map { UInt32(1) << UInt32($0) }
        return bits.first { $0 & used == 0 } ?? bits.first { $0 & own == 0 } ?? 1
    }

    private func open(_ configuration: AccessLogConfiguration) throws(GatewayError) -> LogWriter {
        do throws(TransportFailure) {
            return try LogWriter(
                configuration.name, try makeSink(configuration), limit: configuration.buffer, logger: logger)
        } catch {
            throw .runtime("access log \(configuration.name): \(error.message)")
        }
    }

    private func makeSink(_ configuration: AccessLogConfiguration) throws(TransportFailure) -> any LogSink {
        let directives = configuration.format.directives
        switch configuration.destination {
        case .standardOutput: return try LogFile(nil, directives: directives, rotation: nil)
        case .file(let path): return try LogFile(path, directives: directives, rotation: configuration.rotation)
        case .syslog(let syslog): return Syslog(syslog, name: configuration.name)
        }
    }

    /// The workers serve this set now.
    func commit(_ set: AccessLogSet) {
        earlier.removeAll { $0.writer == nil }
        for target in current where !set.targets.contains(where: { $0.writer === target.writer }) {
            earlier.append(Earlier(writer: target.writer))
        }
        current = set.targets
    }

    func reopen() {
        for target in current { target.writer.reopen() }
        for log in earlier { log.writer?.reopen() }
    }

    /// Writes what is left.
    func stop() {
        let writers = current.map(\.writer) + earlier.compactMap(\.writer)
        for writer in writers { writer.end() }
        let deadline = DispatchTime.now() + Self.patience
        for (index, writer) in writers.enumerated() where !writer.waitForEnd(until: deadline) {
            let name = index < current.count ? current[index].configuration.name : "of an earlier configuration"
            logger.error("access log \(name): its last lines could not be written")
        }
    }

    /// For files that do not accept lines at the end.
    private static let patience = DispatchTimeInterval.seconds(5)
}

/// A log that requests may have lines in, with the bit by which exchanges name it.
struct AccessLogTarget: Sendable {
    let configuration: AccessLogConfiguration
    let bit: UInt32
    let format: LineFormat
    let writer: LogWriter
    /// For the slow log, if it has stacks.
    let stacks: StackTaker?

    var conditions: LogConditions { configuration.conditions }

    init(_ configuration: AccessLogConfiguration, bit: UInt32, writer: LogWriter) {
        self.configuration = configuration
        self.bit = bit
        self.writer = writer
        format = LineFormat(configuration.format)
        stacks = configuration.slow.flatMap { $0.takesStacks ? StackTaker(perSecond: $0.stacksPerSecond) : nil }
    }
}

/// The access logs of one configuration.
struct AccessLogSet: Sendable {
    let targets: [AccessLogTarget]

    /// The logs of requests for which none are named.
    var defaults: UInt32 { targets.reduce(0) { $0 | ($1.configuration.isDefault ? $1.bit : 0) } }

    /// The log that also has lines of requests in progress.
    var slow: AccessLogTarget? { targets.first { $0.configuration.slow != nil } }

    /// Whether a log has values that have to be noted while a request is in progress.
    var needsTimes: Bool { targets.contains { $0.configuration.format.needsTimes || $0.configuration.slow != nil } }

    var status: [AccessLogStatus] {
        targets.map { target in
            let counts = target.writer.counts
            return AccessLogStatus(
                name: target.configuration.name, lines: counts.accepted, lost: counts.lost,
                stacks: target.stacks?.counts)
        }
    }

    /// The logs with these names; nil for the default.
    func bits(of names: [String]?) -> UInt32? {
        names.map { names in
            targets.reduce(0) { $0 | (names.contains($1.configuration.name) ? $1.bit : 0) }
        }
    }
}

extension AccessLogConfiguration.Format {
    /// The fields that the directives of a W3C extended log name.
    fileprivate var directives: [LogField]? {
        if case .w3c(let fields) = self { fields } else { nil }
    }
}

/// What an access log has taken and lost.
package struct AccessLogStatus: Codable, Equatable, Sendable {
    package var name: String
    package var lines: Int
    /// Lines that were not written in time.
    package var lost: Int
    /// Of the slow log.
    package var stacks: StackCounts?
}
