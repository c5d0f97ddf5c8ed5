/// The user and password of an Authorization field in the Basic scheme (RFC 7617).
struct BasicCredentials: Equatable, Sendable {
    let user: String
    let password: String

    /// Longer ones are refused: hashing them would take too long.
    private static let maximumBytes = 1024

    /// Nil for another scheme, and for a value that is not Base64 of UTF-8 with a colon.
    init?(_ value: String) {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic", parts[1].utf8.count <= Self.maximumBytes else {
            return nil
        }
        guard let bytes = Self.decode(parts[1].utf8), let text = String(validating: bytes, as: UTF8.self),
            let colon = text.firstIndex(of: ":")
        else { return nil }
        user = String(text[..<colon])
        password = String(text[text.index(after: colon)...])
    }

    /// Base64 with its padding (RFC 4648 §4).
    private static func decode(_ text: Substring.UTF8View) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var digits = 0
        var padding = 0
        for byte in text {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): digit = 62
            case UInt8(ascii: "/"): digit = 63
            case UInt8(ascii: "="):
                padding += 1
                digit = 0
            default: return nil
            }
            guard padding == 0 || byte == UInt8(ascii: "=") else { return nil }
            word = word << 6 | UInt32(digit)
            digits += 1
            if digits % 4 == 0 {
                bytes += [
                    UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 8),
                    UInt8(truncatingIfNeeded: word),
                ]
            }
        }
        guard padding <= 2 else { return nil }
        bytes.removeLast(padding)
        return bytes
    }
}
