/// The priority of a response (RFC 9218 §4).
package struct StreamPriority: BitwiseCopyable, Equatable, Sendable {
    /// From 0, the most urgent, to 7.
    package var urgency: UInt8 = 3
    /// Whether parts of the response are useful before it is complete.
    package var isIncremental = false

    package init() {}

    package init(urgency: UInt8, isIncremental: Bool) {
        self.urgency = urgency
        self.isIncremental = isIncremental
    }

    /// Parses the value of a `priority` field or PRIORITY_UPDATE: a dictionary of structured fields (RFC 8941), of
    /// which the members `u` and `i` are used. Other members, and values out of range, leave the default (§4).
    package init(_ input: RawSpan, from start: Int, to end: Int) {
        input.forEachElement(from: start, to: end) { start, end in
            takeMember(input, from: start, to: end)
        }
    }

    private mutating func takeMember(_ input: RawSpan, from start: Int, to end: Int) {
        // Parameters of a member are ignored.
        let valueEnd = min(input.first(ASCII.semicolon, from: start, to: end), end)
        guard start < valueEnd else { return }
        let value = input.trimmed(start + 1, valueEnd)
        let equals = UInt8(ascii: "=")
        switch input.byte(at: start) {
        case UInt8(ascii: "u"):
            guard value.end - value.start == 2, input.byte(at: value.start) == equals else { return }
            let digit = input.byte(at: value.start + 1) &- 0x30
            if digit <= 7 { urgency = digit }
        case UInt8(ascii: "i"):
            if value.start == value.end {
                isIncremental = true
            } else if input.equals("=?1", from: value.start, to: value.end) {
                isIncremental = true
            } else if input.equals("=?0", from: value.start, to: value.end) {
                isIncremental = false
            }
        default: break
        }
    }
}
