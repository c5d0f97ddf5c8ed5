/// Looking up by names that only the configuration knows.
extension Exchange {
    /// The value of the first field of this name, which is given in lower case.
    package func value(ofField name: [UInt8]) -> UnsafeRawBufferPointer? {
        let fields = unsafe fields
        for index in 0..<head.fieldCount {
            let field = unsafe fields[index]
            if unsafe FieldSyntax.isNamed(bytes(of: field.name).bytes, name) { return unsafe bytes(of: field.value) }
        }
        return nil
    }

    /// The value of the first cookie of this name in any Cookie field (RFC 6265 §5.4).
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
