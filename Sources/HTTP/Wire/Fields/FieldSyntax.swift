/// The syntax of field names and values (RFC 9110 §5.1, §5.5), for received fields and for fields to be sent.
package enum FieldSyntax {
    /// Whether the bytes are a token: a field name, a method (RFC 9110 §5.6.2).
    package static func isToken(_ bytes: RawSpan) -> Bool {
        bytes.byteCount > 0 && tokenEnd(bytes, from: 0, to: bytes.byteCount) == bytes.byteCount
    }

    /// Whether a field's name equals this one, which is in lower case (RFC 9110 §5.1).
    package static func isNamed(_ bytes: RawSpan, _ lowercase: [UInt8]) -> Bool {
        guard bytes.byteCount == lowercase.count else { return false }
        for index in lowercase.indices {
            let byte = bytes.byte(at: index)
            let folded = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
            if folded != lowercase[index] { return false }
        }
        return true
    }

    /// Whether the bytes are a valid field value: no control byte except tabs, so that it cannot start another line.
    package static func isValidValue(_ bytes: RawSpan) -> Bool {
        bytes.first(from: 0, to: bytes.byteCount) { $0.controls } == bytes.byteCount
    }

    /// Parses one field line of a head or of trailers, `start..<end` without its CRLF.
    ///
    /// The line must not be empty. The value's slice excludes surrounding white space.
    package static func parse(
        _ input: RawSpan, from start: Int, to end: Int
    ) throws(RequestRejection) -> FieldSlice {
        let nameEnd = tokenEnd(input, from: start, to: end)
        guard nameEnd < end, nameEnd > start, input.byte(at: nameEnd) == ASCII.colon else {
            throw nameFault(input, from: start, to: end)
        }
        guard input.first(from: nameEnd + 1, to: end, where: { $0.controls }) == end else {
            throw lineFault(input, from: start, to: end, otherwise: .invalidFieldValue)
        }
        let value = input.trimmed(nameEnd + 1, end)
        return FieldSlice(
            name: Slice(start, nameEnd), value: Slice(value.start, value.end),
            known: known(input, from: start, to: nameEnd))
    }

    /// Parses the field line at `start` while searching for its end, in one pass; nil if it is malformed or its CRLF
    /// has not been received yet.
    ///
    /// - Returns: the result of `parse` for the line, and the offset of its CRLF.
    @inline(__always)
    package static func parseWhole(_ input: RawSpan, from start: Int) -> (field: FieldSlice, end: Int)? {
        let count = input.byteCount
        let nameEnd = tokenEnd(input, from: start, to: count)
        guard nameEnd < count, nameEnd > start, input.byte(at: nameEnd) == ASCII.colon else { return nil }
        // The pass ends at the first control byte, which must be the CR.
        let end = input.first(from: nameEnd + 1, to: count) { $0.controls }
        guard count - end >= 2, input.pair(at: end) == ASCII.lineEnd else { return nil }
        let value = input.trimmed(nameEnd + 1, end)
        let field = FieldSlice(
            name: Slice(start, nameEnd), value: Slice(value.start, value.end),
            known: known(input, from: start, to: nameEnd))
        return (field, end)
    }

    /// The fault of a malformed line: a CR in it takes precedence over any other.
    static func lineFault(
        _ input: RawSpan, from start: Int, to end: Int, otherwise rejection: RequestRejection
    ) -> RequestRejection {
        input.first(ASCII.carriageReturn, from: start, to: end) < end ? .bareCarriageReturn : rejection
    }

    @inline(__always)
    static func tokenEnd(_ input: RawSpan, from start: Int, to end: Int) -> Int {
        var offset = input.first(from: start, to: end) { $0.outsidePlainNames }
        while offset < end {
            let byte = input.byte(at: offset)
            if byte == ASCII.colon || !ByteSet.token.contains(byte) { break }
            offset += 1
        }
        return offset
    }

    /// Why the line does not begin with a name and a colon.
    private static func nameFault(_ input: RawSpan, from start: Int, to end: Int) -> RequestRejection {
        if isBlank(input.byte(at: start)) { return .obsoleteFolding }
        let colon = input.first(ASCII.colon, from: start, to: end)
        if colon == start { return .emptyFieldName }
        if colon == end { return lineFault(input, from: start, to: end, otherwise: .missingColon) }
        let blank = isBlank(input.byte(at: colon - 1))
        return lineFault(input, from: start, to: end, otherwise: blank ? .spaceBeforeColon : .invalidFieldName)
    }

    /// The length distinguishes most names before any byte is compared.
    @inline(__always)
    private static func known(_ input: RawSpan, from start: Int, to end: Int) -> KnownField {
        switch end - start {
        case 4: input.equals("host", from: start, to: end) ? .host : .other
        case 6: input.equals("expect", from: start, to: end) ? .expect : .other
        case 10: input.equals("connection", from: start, to: end) ? .connection : .other
        case 12: input.equals("content-type", from: start, to: end) ? .contentType : .other
        case 14: input.equals("content-length", from: start, to: end) ? .contentLength : .other
        case 17: input.equals("transfer-encoding", from: start, to: end) ? .transferEncoding : .other
        default: .other
        }
    }
}
