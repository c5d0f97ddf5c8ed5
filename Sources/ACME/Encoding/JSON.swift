import FoundationEssentials

/// JSON as ACME uses it (RFC 8555 §5): documents of the authority are bounded, and what is sent has one form.
enum JSON {
    /// Of any document of an authority. A chain of certificates has some kilobytes.
    static let documentLimit = 256 << 10

    /// - Throws: what is wrong, without anything that the authority has sent.
    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8], _ what: String) throws(AcmeError)
        -> Value
    {
        guard bytes.count <= documentLimit else { throw .nonsense("\(what) of \(bytes.count) bytes") }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let DecodingError.keyNotFound(key, _) {
            throw .nonsense("\(what) without '\(key.stringValue)'")
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw .nonsense("\(what) with another kind of value at '\(path)' than the protocol has")
        } catch {
            throw .nonsense("\(what) that is not JSON")
        }
    }

    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // The values are structures of texts and numbers, which always can be encoded.
        return (try? encoder.encode(value)).map { Array($0) } ?? []
    }
}

/// Text of a stranger for logs and terminals: one line of limited length, without control characters.
package func visibleText(_ text: String, limit: Int = 300) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(limit) {
        let isPlain = scalar.value >= 0x20 && scalar.value != 0x7F && !(0x80..<0xA0).contains(scalar.value)
        let isSeparator = scalar.value == 0x2028 || scalar.value == 0x2029 || (0x202A...0x202E).contains(scalar.value)
        shown.append(isPlain && !isSeparator ? scalar : " ")
    }
    return String(shown) + (text.unicodeScalars.count > limit ? "…" : "")
}
