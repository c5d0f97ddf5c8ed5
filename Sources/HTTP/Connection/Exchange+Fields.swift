extension Exchange {
    /// The value of the field with this lower-case name; nil also if there are several.
    package func onlyValue(named name: StaticString) -> Slice? {
        let head = unsafe headBytes.bytes
        let fields = unsafe fields
        var found: Slice?
        for index in fields.indices {
            let field = unsafe fields[index]
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
    package func value(ofField name: [UInt8]) -> UnsafeRawBufferPointer? {
        let fields = unsafe fields
        for index in 0..<head.fieldCount {
            let field = unsafe fields[index]
            if unsafe FieldSyntax.isNamed(bytes(of: field.name).bytes, name) { return unsafe bytes(of: field.value) }
        }
        return nil
    }

    /// The value of the first cookie with this name in any Cookie field (RFC 6265 §5.4).
    package func value(ofCookie name: [UInt8]) -> UnsafeRawBufferPointer? {
        let fields = unsafe fields
        for index in 0..<head.fieldCount {
            let field = unsafe fields[index]
            guard unsafe FieldSyntax.isNamed(bytes(of: field.name).bytes, Self.cookieField) else { continue }
            let text = unsafe bytes(of: field.value)
            if let range = unsafe CookieSyntax.value(of: name, in: text.bytes) {
                return unsafe UnsafeRawBufferPointer(rebasing: text[range])
            }
        }
        return nil
    }

    private static let cookieField = Array("cookie".utf8)
}
