import Glibc

/// A point in time, in whole seconds since 1970.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let seconds: Int64

    package init(seconds: Int64) {
        self.seconds = seconds
    }

    package static var now: Timestamp { Timestamp(seconds: Int64(time(nil))) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }

    /// RFC 3339 in UTC, such as `2026-11-21T08:00:00Z`.
    package var description: String {
        var calendar = unsafe tm()
        var moment = time_t(seconds)
        guard unsafe gmtime_r(&moment, &calendar) != nil else { return "an unknown time" }
        var text = [CChar](repeating: 0, count: 40)
        let count = unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &calendar)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
