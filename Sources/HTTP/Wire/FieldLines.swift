/// Iterates over the field lines of a response: validated, each a name, a colon, a value and CRLF.
@safe
package struct FieldLines {
    private let text: UnsafeRawBufferPointer
    private var position = 0

    package init(_ text: UnsafeRawBufferPointer) {
        unsafe self.text = text
    }

    package mutating func next() -> FieldLine? {
        guard unsafe position < text.count else { return nil }
        let bytes = unsafe text.bytes
        let start = position
        let end = unsafe bytes.first(ASCII.lineFeed, from: start, to: text.count)
        position = unsafe min(end + 1, text.count)
        let colon = bytes.first(ASCII.colon, from: start, to: end)
        let lineEnd = end > start && bytes.byte(at: end - 1) == ASCII.carriageReturn ? end - 1 : end
        let value = bytes.trimmed(min(colon + 1, lineEnd), lineEnd)
        return unsafe FieldLine(
            line: UnsafeRawBufferPointer(rebasing: text[start..<position]),
            name: UnsafeRawBufferPointer(rebasing: text[start..<colon]),
            value: UnsafeRawBufferPointer(rebasing: text[value.start..<value.end]))
    }
}

/// One field line, valid as long as its text.
@safe
package struct FieldLine {
    /// The whole line with its CRLF.
    package let line: UnsafeRawBufferPointer
    package let name: UnsafeRawBufferPointer
    /// Without surrounding white space.
    package let value: UnsafeRawBufferPointer

    /// Whether the name equals `name`, which is in lower case.
    package func isNamed(_ name: StaticString) -> Bool {
        unsafe self.name.bytes.equals(name, from: 0, to: self.name.count)
    }

    /// Whether the name begins with `prefix`, which is in lower case.
    func hasPrefix(_ prefix: StaticString) -> Bool {
        unsafe name.bytes.hasPrefix(prefix, from: 0, to: name.count)
    }

    /// Whether the value is a comma-separated list that contains `member`, which is in lower case.
    package func lists(_ member: StaticString) -> Bool {
        let bytes = unsafe value.bytes
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
