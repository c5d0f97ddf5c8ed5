import Glibc
import Logging
import Memory

/// Diagnostics as lines on standard error: time in UTC, level, text; or these as an object of JSON.
struct StandardErrorLog: LogHandler {
    var logLevel: Logger.Level
    var isJSON = false
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line: [UInt8] = []
        let values = metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted { $0.key < $1.key }
        if isJSON { appendJSON(event, values, to: &line) } else { appendText(event, values, to: &line) }
        line.append(UInt8(ascii: "\n"))
        line.withBytes { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private typealias Values = [(key: String, value: Logger.Metadata.Value)]

    private func appendText(_ event: LogEvent, _ values: Values, to line: inout [UInt8]) {
        var text = "\(Timestamp.now().iso8601) \(event.level): \(event.message)"
        for (key, value) in values { text += " \(key)=\(value)" }
        line += text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
    }

    private func appendJSON(_ event: LogEvent, _ values: Values, to line: inout [UInt8]) {
        line += "{\"time\":\"\(Timestamp.now().iso8601)\",\"level\":\"\(event.level)\",\"message\":\"".utf8
        line.append(event.message.description, as: .json)
        for (key, value) in values {
            line += "\",\"".utf8
            line.append(key, as: .json)
            line += "\":\"".utf8
            line.append("\(value)", as: .json)
        }
        line += "\"}".utf8
    }
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
