import Glibc
import Logging
import Memory
import Synchronization
import Transport

/// Diagnostics as lines on standard error: time in UTC, level, text; or these as an object of JSON.
struct StandardErrorLog: LogHandler {
    var logLevel: Logger.Level
    var isJSON = false
    var metadata: Logger.Metadata = [:]
    /// Nil to write every line.
    var repeats: RepeatedLines?

    /// Of lines whose repetitions were counted before.
    static let counted: Logger.Metadata = ["counted": ""]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let message = event.message.description
        var values = metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 })
        let isCounted = values.removeValue(forKey: "counted") != nil
        if !isCounted, values.isEmpty, mayBeHeld(event.level), repeats?.admits(message, event.level) == false { return }
        write(event.level, message, values.sorted { $0.key < $1.key })
    }

    /// Notices tell once what the gateway does, and what is critical is never too much.
    private func mayBeHeld(_ level: Logger.Level) -> Bool { level != .notice && level != .critical }

    private typealias Values = [(key: String, value: Logger.Metadata.Value)]

    private func write(_ level: Logger.Level, _ message: String, _ values: Values, repeats: Int = 0) {
        var line: [UInt8] = []
        if isJSON {
            appendJSON(level, message, values, to: &line)
            if repeats > 0 { line += ",\"repeats\":\(repeats)".utf8 }
            line.append(UInt8(ascii: "}"))
        } else {
            appendText(level, message, values, to: &line)
            if repeats > 0 { line += " … \(repeats) more like it".utf8 }
        }
        line.append(UInt8(ascii: "\n"))
        line.withBytes { _ = SystemCalls.write(STDERR_FILENO, $0) }
    }

    private func appendText(_ level: Logger.Level, _ message: String, _ values: Values, to line: inout [UInt8]) {
        var text = "\(Timestamp.now().iso8601) \(level): \(message)"
        for (key, value) in values { text += " \(key)=\(value)" }
        line += text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
    }

    private func appendJSON(_ level: Logger.Level, _ message: String, _ values: Values, to line: inout [UInt8]) {
        line += "{\"time\":\"\(Timestamp.now().iso8601)\",\"level\":\"\(level)\",\"message\":\"".utf8
        line.append(message, as: .json)
        for (key, value) in values {
            line += "\",\"".utf8
            line.append(key, as: .json)
            line += "\":\"".utf8
            line.append("\(value)", as: .json)
        }
        line.append(UInt8(ascii: "\""))
    }

    // MARK: Repeated lines

    /// - Parameter interval: for which lines like a written one are held back; nil to write them all.
    static func make(_ level: Logger.Level, isJSON: Bool, holdingRepeatsFor interval: Duration?) -> StandardErrorLog {
        var log = StandardErrorLog(logLevel: level, isJSON: isJSON)
        let plain = log
        log.repeats = interval.map { interval in
            RepeatedLines(interval: interval) { plain.write($0.level, $0.message, [], repeats: $0.count) }
        }
        flushCounts()
        current.withLock { $0 = log.repeats }
        _ = flushesAtExit
        return log
    }

    /// Writes the counts of lines that were held back; before the process ends.
    static func flushCounts() { current.withLock { $0 }?.flush() }

    /// Those of the last log that was made, which the process uses.
    private static let current = Mutex<RepeatedLines?>(nil)
    private static let flushesAtExit: Void = { _ = atexit { flushCounts() } }()
}

/// A moment in UTC, split for the formats of logs.
struct Timestamp: Equatable {
    let year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int

    /// - Parameter unixSeconds: seconds since 1970.
    init(unixSeconds: Int64) {
        let day = Int((Double(unixSeconds) / 86400).rounded(.down))
        let second = Int(unixSeconds) - day * 86400
        // Civil date from a day number, in years that begin on 1 March so that the leap day comes last.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = second / 3600
        minute = second / 60 % 60
        self.second = second % 60
    }

    static func now() -> Timestamp {
        Timestamp(unixSeconds: Int64(time(nil)))
    }

    /// `2026-01-31T23:59:59Z`
    var iso8601: String { "\(date)T\(clock)Z" }
    /// `2026-01-31`
    var date: String { "\(year)-\(two(month))-\(two(day))" }
    /// `23:59:59`
    var clock: String { "\(two(hour)):\(two(minute)):\(two(second))" }
    /// `31/Jan/2026:23:59:59 +0000`
    var commonLog: String {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(two(day))/\(names[month - 1])/\(year):\(clock) +0000"
    }

    private func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
