import COpenSSL

/// What a handshake has negotiated, for counting handshakes: there are few different values.
package struct HandshakeFacts: Hashable, Sendable {
    /// `TLSv1.3`
    package let version: String
    package let isResumed: Bool
    /// The group of the key exchange: `X25519`, or `none`, or `other`.
    package let group: String
    /// Whether the gateway makes and opens the records, and not OpenSSL.
    package let hasOwnRecords: Bool
}

enum KeyExchangeGroup {
    /// The flag in the number of a group that has no NID, which is then its code point (RFC 8446 §4.2.7).
    private static let codePoint: Int32 = 0x100_0000
    private static let hybrid = codePoint | 0x11EC

    static func name(of group: Int32) -> String {
        switch group {
        case 0: "none"
        case NID_X25519: "X25519"
        case NID_X9_62_prime256v1: "P-256"
        case NID_secp384r1: "P-384"
        case hybrid: "X25519MLKEM768"
        default: "other"
        }
    }
}
