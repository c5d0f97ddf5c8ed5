import HTTP

/// The value of If-Match, If-None-Match or If-Range: `*`, or entity tags separated by commas (RFC 9110 §8.8.3, §13.1).
struct EntityTagList: BitwiseCopyable {
    enum Comparison {
        /// Two weak tags never match.
        case strong
        /// Only the text between the quotes counts.
        case weak
    }

    /// Nil for a repeated field.
    private let value: Slice?

    init(_ value: Slice?) {
        self.value = value
    }

    /// Whether a tag of the list matches `tag`, a strong one; a malformed list matches up to the error only.
    func matches(_ tag: RawSpan, in head: RawSpan, comparison: Comparison) -> Bool {
        guard let value else { return false }
        let list = head.extracting(value.range)
        if list.byteCount == 1, list.byte(at: 0) == UInt8(ascii: "*") { return true }
        var next = 0
        while true {
            while next < list.byteCount, Self.isSeparator(list.byte(at: next)) { next += 1 }
            guard let end = Self.endOfTag(list, from: next) else { return false }
            let isWeak = list.byte(at: next) == UInt8(ascii: "W")
            let start = isWeak ? next + 2 : next
            if !(isWeak && comparison == .strong), Self.equal(list, start..<end, tag) { return true }
            next = end
            while next < list.byteCount, Self.isBlank(list.byte(at: next)) { next += 1 }
            guard next < list.byteCount, list.byte(at: next) == UInt8(ascii: ",") else { return false }
        }
    }

    /// Whether the value begins like an entity tag and not like a date.
    func isTag(in head: RawSpan) -> Bool {
        guard let value, !value.isEmpty else { return false }
        let first = head.byte(at: value.range.lowerBound)
        if first == UInt8(ascii: "\"") { return true }
        return first == UInt8(ascii: "W") && value.count > 1
            && head.byte(at: value.range.lowerBound + 1) == UInt8(ascii: "/")
    }

    /// The position after the closing quote of the tag that begins at `start`; nil when there is none.
    private static func endOfTag(_ list: RawSpan, from start: Int) -> Int? {
        var next = start
        if next + 1 < list.byteCount, list.byte(at: next) == UInt8(ascii: "W"),
            list.byte(at: next + 1) == UInt8(ascii: "/")
        {
            next += 2
        }
        guard next < list.byteCount, list.byte(at: next) == UInt8(ascii: "\"") else { return nil }
        next += 1
        while next < list.byteCount, list.byte(at: next) != UInt8(ascii: "\"") {
            guard list.byte(at: next) > 0x20 else { return nil }
            next += 1
        }
        return next < list.byteCount ? next + 1 : nil
    }

    private static func equal(_ list: RawSpan, _ range: Range<Int>, _ tag: RawSpan) -> Bool {
        guard range.count == tag.byteCount else { return false }
        for index in 0..<tag.byteCount where list.byte(at: range.lowerBound + index) != tag.byte(at: index) {
            return false
        }
        return true
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    private static func isSeparator(_ byte: UInt8) -> Bool { isBlank(byte) || byte == UInt8(ascii: ",") }
}
