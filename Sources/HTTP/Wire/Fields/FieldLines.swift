import Memory

/// Iterates over the field lines of a response: validated, each a name, a colon, a value and CRLF.
@safe
package struct FieldLines {
    private let text: ByteView
    private var position = 0

    package init(_ text: ByteView) {
        self.text = text
    }

    package mutating func next() -> FieldLine? {
        guard position < text.count else { return nil }
        let bytes = text.bytes
        let start = position
        let end = bytes.first(ASCII.lineFeed, from: start, to: text.count)
        position = min(end + 1, text.count)
        let colon = bytes.first(ASCII.colon, from: start, to: end)
        let lineEnd = end > start && bytes.byte(at: end - 1) == ASCII.carriageReturn ? end - 1 : end
        let value = bytes.trimmed(min(colon + 1, lineEnd), lineEnd)
        return FieldLine(
            line: text[start..<position],
            name: text[start..<colon],
            value: text[value.start..<value.end])
    }
}

/// One field line, valid as long as its text.
@safe
package struct FieldLine {
    /// The whole line with its CRLF.
    package let line: ByteView
    package let name: ByteView
    /// Without surrounding white space.
    package let value: ByteView

    /// Whether the name equals `name`, which is in lower case.
    package func isNamed(_ name: StaticString) -> Bool {
        self.name.bytes.equals(name, from: 0, to: self.name.count)
    }

    /// Whether the name begins with `prefix`, which is in lower case.
    func hasPrefix(_ prefix: StaticString) -> Bool {
        name.bytes.hasPrefix(prefix, from: 0, to: name.count)
    }

    /// Whether the value is a comma-separated list that contains `member`, which is in lower case.
    package func lists(_ member: StaticString) -> Bool {
        let bytes = value.bytes
        var next = 0
        while next < bytes.byteCount {
            let comma = bytes.first(ASCII.comma, from: next, to: bytes.byteCount)
            let part = bytes.trimmed(next, comma)
            if bytes.equals(member, from: part.start, to: part.end) { return true }
            next = comma + 1
        }
        return false
    }
}
