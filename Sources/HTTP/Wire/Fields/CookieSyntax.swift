/// The syntax of the Cookie field: `name=value` pairs between semicolons (RFC 6265 §4.2.1).
package enum CookieSyntax {
    /// The range of the value of the first cookie with this name, without quotes around it; names are case-sensitive.
    package static func value(of name: [UInt8], in field: RawSpan) -> Range<Int>? {
        var start = 0
        let count = field.byteCount
        while start < count {
            let end = field.first(ASCII.semicolon, from: start, to: count)
            let pair = field.trimmed(start, end)
            let valueStart = pair.start + name.count + 1
            if valueStart <= pair.end, field.byte(at: valueStart - 1) == UInt8(ascii: "="),
                name.indices.allSatisfy({ field.byte(at: pair.start + $0) == name[$0] })
            {
                return unquoted(valueStart..<pair.end, in: field)
            }
            start = end + 1
        }
        return nil
    }

    private static func unquoted(_ range: Range<Int>, in field: RawSpan) -> Range<Int> {
        let quote = UInt8(ascii: "\"")
        guard range.count >= 2, field.byte(at: range.lowerBound) == quote, field.byte(at: range.upperBound - 1) == quote
        else { return range }
        return range.lowerBound + 1..<range.upperBound - 1
    }
}
