import Transport

/// Writes PEM (RFC 7468).
package enum PEMText {
    private static let lineLength = 64

    package static func block(_ label: String, _ content: [UInt8]) -> [UInt8] {
        var text = "-----BEGIN \(label)-----\n"
        let digits = base64(content)
        var rest = digits[...]
        while !rest.isEmpty {
            text += rest.prefix(lineLength) + "\n"
            rest = rest.dropFirst(lineLength)
        }
        return Array((text + "-----END \(label)-----\n").utf8)
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let digits = Base64URL.encode(bytes).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        return String(digits) + String(repeating: "=", count: (4 - digits.count % 4) % 4)
    }
}

/// The bytes of an IP address; nil for any other text.
func addressBytes(_ text: String) -> [UInt8]? {
    guard let address = IPAddress(text) else { return nil }
    return stride(from: address.width - 8, through: 0, by: -8).map {
        UInt8(truncatingIfNeeded: address.bits >> UInt128($0))
    }
}
