import Memory

extension Exchange {
    /// The value of the field with this lower-case name; nil also if there are several.
    package func onlyValue(named name: StaticString) -> Slice? {
        let head = headBytes.bytes
        let fields = fields
        var found: Slice?
        for index in fields.indices {
            let field = fields[index]
            let range = field.name.range
            guard head.equals(name, from: range.lowerBound, to: range.upperBound) else { continue }
            guard found == nil else { return nil }
            found = field.value
        }
        return found
    }
}

/// Lookups by configured names.
extension Exchange {
    /// The value of the first field with this name, which must be in lower case.
    package func value(ofField name: [UInt8]) -> ByteView? {
        let fields = fields
        for index in 0..<head.fieldCount {
            let field = fields[index]
            if FieldSyntax.isNamed(bytes(of: field.name).bytes, name) { return bytes(of: field.value) }
        }
        return nil
    }

    /// The value of the first cookie with this name in any Cookie field (RFC 6265 §5.4).
    package func value(ofCookie name: [UInt8]) -> ByteView? {
        let fields = fields
        for index in 0..<head.fieldCount {
            let field = fields[index]
            guard FieldSyntax.isNamed(bytes(of: field.name).bytes, Self.cookieField) else { continue }
            let text = bytes(of: field.value)
            if let range = CookieSyntax.value(of: name, in: text.bytes) {
                return text[range]
            }
        }
        return nil
    }

    private static let cookieField = Array("cookie".utf8)
}
