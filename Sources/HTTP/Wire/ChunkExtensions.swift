/// The syntax of chunk extensions, which may follow the size of a chunk (RFC 9112 §7.1.1):
/// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
enum ChunkExtensions {
    /// - Parameter start: the offset after the size; there must be no control byte except tabs before `end`.
    static func isValid(_ input: RawSpan, from start: Int, to end: Int) -> Bool {
        var offset = start
        while offset < end {
            offset = skipBlanks(input, offset, end)
            guard offset < end, input.byte(at: offset) == ASCII.semicolon else { return false }
            offset = skipBlanks(input, offset + 1, end)
            let nameEnd = FieldSyntax.tokenEnd(input, from: offset, to: end)
            guard nameEnd > offset else { return false }
            offset = nameEnd
            let equals = skipBlanks(input, offset, end)
            guard equals < end, input.byte(at: equals) == 0x3D else { continue }
            guard let valueEnd = valueEnd(input, from: skipBlanks(input, equals + 1, end), to: end) else {
                return false
            }
            offset = valueEnd
        }
        return true
    }

    private static func skipBlanks(_ input: RawSpan, _ start: Int, _ end: Int) -> Int {
        var offset = start
        while offset < end, isBlank(input.byte(at: offset)) { offset += 1 }
        return offset
    }

    private static func valueEnd(_ input: RawSpan, from start: Int, to end: Int) -> Int? {
        guard start < end, input.byte(at: start) == ASCII.quote else {
            let tokenEnd = FieldSyntax.tokenEnd(input, from: start, to: end)
            return tokenEnd > start ? tokenEnd : nil
        }
        var offset = start + 1
        while offset < end {
            let byte = input.byte(at: offset)
            if byte == ASCII.quote { return offset + 1 }
            offset += byte == ASCII.backslash ? 2 : 1
        }
        return nil
    }
}
