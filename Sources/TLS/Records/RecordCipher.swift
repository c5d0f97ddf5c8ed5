import COpenSSL

/// A cipher suite of TLS 1.3 whose records the gateway writes itself (RFC 8446 §B.4).
///
/// CCM is left to OpenSSL, as all of TLS 1.2 is: it requires a record's length before its first byte.
enum RecordCipher: UInt8, CaseIterable, Sendable {
    case aes128GCM
    case aes256GCM
    case chaCha20Poly1305

    /// The suite that `session` has negotiated; nil if OpenSSL has to write the records.
    init?(of session: SSL) {
        guard SSL_version(session) == TLS1_3_VERSION else { return nil }
        switch SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(session)) {
        case 0x1301: self = .aes128GCM
        case 0x1302: self = .aes256GCM
        case 0x1303: self = .chaCha20Poly1305
        default: return nil
        }
    }

    var name: String {
        switch self {
        case .aes128GCM: "TLS_AES_128_GCM_SHA256"
        case .aes256GCM: "TLS_AES_256_GCM_SHA384"
        case .chaCha20Poly1305: "TLS_CHACHA20_POLY1305_SHA256"
        }
    }

    /// In bytes.
    var keySize: Int { self == .aes128GCM ? 16 : 32 }
    /// The hash for the derivation of secrets, by OpenSSL's name.
    var digest: String { self == .aes256GCM ? "SHA384" : "SHA256" }
    /// The size of that hash, and so of secrets, in bytes.
    var secretSize: Int { self == .aes256GCM ? 48 : 32 }

    /// OpenSSL's implementation; nil when none of its providers has one.
    var implementation: CipherImplementation? { Self.implementations[Int(rawValue)] }

    /// Fetched once, because that takes longer than the encryption of a short record.
    private static let implementations = allCases.map { cipher in
        let name =
            switch cipher {
            case .aes128GCM: "AES-128-GCM"
            case .aes256GCM: "AES-256-GCM"
            case .chaCha20Poly1305: "ChaCha20-Poly1305"
            }
        return CipherImplementation(named: name)
    }
}
