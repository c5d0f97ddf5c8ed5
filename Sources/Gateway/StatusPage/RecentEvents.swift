import Glibc
import Logging
import Synchronization

/// What has gone wrong lately, for the status page: warnings of the operator log, and reasons that workers count.
///
/// Nothing is collected twice. A `ReasonLog` has its own entries and is asked for them; only lines that are written to
/// the log anyway are kept here.
final class RecentEvents: Sendable {
    /// One thing that happened, once or several times.
    struct Event: Equatable, Sendable {
        enum Severity: String, Encodable, Sendable {
            case warning, error
        }

        /// What it is about, as the line of the log begins: `request refused`, `pool legacy`.
        var topic: String
        /// What exactly, where the topic has several: a server of an upstream.
        var subject: String?
        var reason: String
        var detail: String?
        var severity: Severity
        var count: Int
        /// Seconds since 1970.
        var last: Int64
        /// Of the last one that was logged.
        var client: String?
        var request: String?
    }

    /// Lines of the log that are kept.
    static let lineLimit = 64
    /// A line is the gateway's own text, of which extensions may contribute parts.
    private static let lengthLimit = 1000

    private struct State {
        var lines: [Event] = []
        var logs: [Registration] = []
    }

    private struct Registration {
        weak let log: ReasonLog?
    }

    private let state = Mutex(State())

    /// Counts what `log` counts.
    func register(_ log: ReasonLog) {
        state.withLock { state in
            state.logs.removeAll { $0.log == nil }
            state.logs.append(Registration(log: log))
        }
    }

    /// Takes a line of the operator log.
    func take(_ text: String, _ severity: Event.Severity, at second: Int64 = Int64(time(nil))) {
        let event = Self.event(text, severity, second)
        state.withLock { state in
            if let index = state.lines.firstIndex(where: { $0.isSameKind(as: event) }) {
                var known = state.lines.remove(at: index)
                known.count += 1
                known.last = second
                state.lines.append(known)
            } else {
                if state.lines.count == Self.lineLimit { state.lines.removeFirst() }
                state.lines.append(event)
            }
        }
    }

    /// The text before the first colon is the topic.
    private static func event(_ text: String, _ severity: Event.Severity, _ second: Int64) -> Event {
        let text = text.prefix(lengthLimit)
        let parts = text.split(separator: ": ", maxSplits: 1)
        let hasTopic = parts.count == 2 && parts[0].count <= 60
        return Event(
            topic: hasTopic ? String(parts[0]) : "gateway", subject: nil,
            reason: hasTopic ? String(parts[1]) : String(text), detail: nil, severity: severity, count: 1,
            last: second, client: nil, request: nil)
    }

    /// The latest, the newest first.
    func latest(atMost limit: Int) -> [Event] {
        let (lines, logs) = state.withLock { ($0.lines, $0.logs.compactMap(\.log)) }
        var sums: [[String?]: Event] = [:]
        for event in logs.flatMap(\.events) {
            let key = [event.topic, event.subject, event.reason, event.detail]
            sums[key] = sums[key].map { $0.adding(event) } ?? event
        }
        let all = (lines + sums.values).sorted { ($0.last, $1.topic, $1.reason) > ($1.last, $0.topic, $0.reason) }
        return Array(all.prefix(limit))
    }
}

extension RecentEvents.Event {
    fileprivate func isSameKind(as other: Self) -> Bool {
        topic == other.topic && reason == other.reason && severity == other.severity
    }

    /// The same on another worker.
    fileprivate func adding(_ other: Self) -> Self {
        var sum = other.last > last ? other : self
        sum.count = count + other.count
        return sum
    }
}

/// Keeps the warnings and errors that it passes on to another log.
struct RecordingLog: LogHandler {
    private var base: any LogHandler
    let events: RecentEvents

    init(_ base: any LogHandler, _ events: RecentEvents) {
        self.base = base
        self.events = events
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if event.level >= .warning {
            events.take(event.message.description, event.level == .warning ? .warning : .error)
        }
        base.log(event: event)
    }
}

extension Logger {
    /// The same log, with what it is told kept for the status page.
    func recording(_ events: RecentEvents) -> Logger {
        var logger = self
        logger.handler = RecordingLog(handler, events)
        return logger
    }

    /// Where what it is told is kept; nil where it is not.
    var recentEvents: RecentEvents? { (handler as? RecordingLog)?.events }
}
