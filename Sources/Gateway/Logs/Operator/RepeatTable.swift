import Logging

/// Which lines were written a short time ago, and how many like them have been held back since; a value, without a clock.
struct RepeatTable {
    /// Lines that were held back, of which one is written.
    struct Summary: Equatable {
        let level: Logger.Level
        let message: String
        let count: Int
    }

    private struct Line: Hashable {
        let level: Logger.Level
        let message: String
    }

    private struct Entry {
        /// Milliseconds; when the line was written.
        var since: UInt64
        var held = 0
    }

    /// Lines that are compared with new ones, and the bytes of the longest: others are written however often they come.
    static let lineLimit = 64
    static let messageLimit = 2 << 10

    private var entries: [Line: Entry] = [:]

    /// Whether the line is to be written; otherwise it is counted.
    ///
    /// - Parameters:
    ///   - interval: milliseconds for which lines like a written one are held back.
    ///   - now: milliseconds of a monotonic clock.
    mutating func admits(_ message: String, _ level: Logger.Level, interval: UInt64, at now: UInt64) -> Bool {
        guard message.utf8.count <= Self.messageLimit else { return true }
        let line = Line(level: level, message: message)
        if let entry = entries[line], entry.held > 0 || now < entry.since + interval {
            entries[line]?.held += 1
            return false
        }
        if entries.count >= Self.lineLimit {
            entries = entries.filter { $0.value.held > 0 || now < $0.value.since + interval }
        }
        if entries.count < Self.lineLimit || entries[line] != nil { entries[line] = Entry(since: now) }
        return true
    }

    /// When the first summary is due; nil if nothing is held back.
    func nextDue(interval: UInt64) -> UInt64? {
        entries.values.filter { $0.held > 0 }.map { $0.since + interval }.min()
    }

    /// The summaries that are due, in the order of the lines they are about. Lines like them are held back anew.
    mutating func takeDue(interval: UInt64, at now: UInt64) -> [Summary] {
        let due = entries.filter { $0.value.held > 0 && now >= $0.value.since + interval }
        for line in due.keys { entries[line] = Entry(since: now) }
        return due.sorted { $0.value.since < $1.value.since }.map { line, entry in
            Summary(level: line.level, message: line.message, count: entry.held)
        }
    }
}
