import HTTP
import Memory

/// The current second, as the formats of logs write it; each text is made at most once a second.
final class LogClock {
    private(set) var unixSeconds = Int64.min
    private var isMade = false
    private var texts = Texts(Timestamp(unixSeconds: 0))

    private struct Texts {
        let iso8601: [UInt8]
        let date: [UInt8]
        let clock: [UInt8]
        let commonLog: [UInt8]

        init(_ stamp: Timestamp) {
            iso8601 = Array(stamp.iso8601.utf8)
            date = Array(stamp.date.utf8)
            clock = Array(stamp.clock.utf8)
            commonLog = Array(stamp.commonLog.utf8)
        }
    }

    func set(_ seconds: Int64) {
        guard seconds != unixSeconds else { return }
        unixSeconds = seconds
        isMade = false
    }

    private func make() {
        guard !isMade else { return }
        texts = Texts(Timestamp(unixSeconds: unixSeconds))
        isMade = true
    }

    /// `2026-01-31T23:59:59Z`
    func appendISO8601(to line: inout OutputBuffer) {
        make()
        texts.iso8601.withBytes { line.append($0) }
    }

    /// `31/Jan/2026:23:59:59 +0000`
    func appendCommonLog(to line: inout OutputBuffer) {
        make()
        texts.commonLog.withBytes { line.append($0) }
    }

    /// `2026-01-31`
    func appendDate(to line: inout OutputBuffer) {
        make()
        texts.date.withBytes { line.append($0) }
    }

    /// `23:59:59`
    func appendClock(to line: inout OutputBuffer) {
        make()
        texts.clock.withBytes { line.append($0) }
    }
}
