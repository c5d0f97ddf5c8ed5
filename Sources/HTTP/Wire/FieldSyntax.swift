/// The syntax of field names and values (RFC 9110 §5.1, §5.5), for fields received and for fields about to be sent.
package enum FieldSyntax {
    /// Whether the bytes are a token: a field name, a method (RFC 9110 §5.6.2).
    package static func isToken(_ bytes: RawSpan) -> Bool {
        bytes.byteCount > 0 && tokenEnd(bytes, from: 0, to: bytes.byteCount) == bytes.byteCount
    }

    /// Whether a field's name is this one, which is given in lower case (RFC 9110 §5.1).
    package static func isNamed(_ bytes: RawSpan, _ lowercase: [UInt8]) -> Bool {
        guard bytes.byteCount == lowercase.count else { return false }
        for index in lowercase.indices {
            let byte = bytes.byte(at: index)
            let folded = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
            if folded != lowercase[index] { return false }
        }
        return true
    }

    /// Whether the bytes may stand as a field value: no control byte but the tab, so no way to start another line.
    package static func isValidValue(_ bytes: RawSpan) -> Bool {
        bytes.first(from: 0, to: bytes.byteCount) { $0.controls } == bytes.byteCount
    }

    /// Parses one field line, `start..<end` without its CRLF, of a head or of trailers.
    ///
    /// The line is not empty. The value's slice leaves out the white space around it.
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

    /// Parses the field line that begins at `start` while looking for its end, in one pass; nil when it is malformed or
    /// its CRLF is not there yet.
    ///
    /// - Returns: what `parse` returns for the line, and where its CRLF stands.
    @inline(__always)
    package static func parseWhole(_ input: RawSpan, from start: Int) -> (field: FieldSlice, end: Int)? {
        let count = input.byteCount
        let nameEnd = tokenEnd(input, from: start, to: count)
        guard nameEnd < count, nameEnd > start, input.byte(at: nameEnd) == ASCII.colon else { return nil }
        // The pass ends at the first control byte, which has to be the CR.
        let end = input.first(from: nameEnd + 1, to: count) { $0.controls }
        guard count - end >= 2, input.pair(at: end) == ASCII.lineEnd else { return nil }
        let value = input.trimmed(nameEnd + 1, end)
        let field = FieldSlice(
            name: Slice(start, nameEnd), value: Slice(value.start, value.end),
            known: known(input, from: start, to: nameEnd))
        return (field, end)
    }

    /// What to call a malformed line: a CR in it explains every other fault.
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

    /// Why no name and colon begin the line.
    private static func nameFault(_ input: RawSpan, from start: Int, to end: Int) -> RequestRejection {
        if isBlank(input.byte(at: start)) { return .obsoleteFolding }
        let colon = input.first(ASCII.colon, from: start, to: end)
        if colon == start { return .emptyFieldName }
        if colon == end { return lineFault(input, from: start, to: end, otherwise: .missingColon) }
        let blank = isBlank(input.byte(at: colon - 1))
        return lineFault(input, from: start, to: end, otherwise: blank ? .spaceBeforeColon : .invalidFieldName)
    }

    /// The length tells most names apart before a byte is compared.
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
