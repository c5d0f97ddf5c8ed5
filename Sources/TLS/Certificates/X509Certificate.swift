import COpenSSL
import Glibc
import Memory

/// An X.509 certificate (RFC 5280); its fields are read from it on demand.
final class X509Certificate: Sendable {
    let object: X509

    init(_ object: X509) {
        self.object = object
        // Extensions are parsed now, on one thread, instead of by the first handshakes at the same time.
        X509_check_ca(object)
    }

    /// In the order of RFC 2253.
    var subject: String { object.subject }
    var issuer: String { object.issuer }
    /// Hexadecimal digits in upper case.
    var serial: String { unsafe hexadecimal(X509_get0_serialNumber(object)) }
    var isSelfSigned: Bool {
        defer { ERR_clear_error() }
        return X509_self_signed(object, 1) == 1
    }
    var isAuthority: Bool { X509_check_ca(object) >= 1 }

    var notBefore: Timestamp { unsafe timestamp(X509_get0_notBefore(object)) }
    var notAfter: Timestamp { unsafe timestamp(X509_get0_notAfter(object)) }

    var keyType: KeyType { KeyType(of: X509_get0_pubkey(object)) }

    /// OpenSSL's number of the signature algorithm.
    var signatureAlgorithm: Int32 { X509_get_signature_nid(object) }

    /// Whether it states that it was issued by the rules for public authorities: that a domain, an organization or a
    /// person was validated (Baseline Requirements of the CA/Browser Forum, §7.1.6.1).
    var isPubliclyIssued: Bool {
        let identifiers = ["2.23.140.1.1", "2.23.140.1.2.1", "2.23.140.1.2.2", "2.23.140.1.2.3"]
        return policies.contains { identifiers.contains($0) }
    }

    /// The object identifiers of its policies (RFC 5280 §4.2.1.4).
    private var policies: [String] {
        guard let value = unsafe X509_get_ext_d2i(object, NID_certificate_policies, nil, nil) else { return [] }
        let list = OpaquePointer(value)
        defer { unsafe CERTIFICATEPOLICIES_free(list) }
        return unsafe (0..<COpenSSL_policies_count(list)).map { index in
            var text = [UInt8](repeating: 0, count: 80)
            text.withMutableBytes { unsafe COpenSSL_write_policy(list, index, $0.octets, $0.count) }
            return text.textBeforeZero
        }
    }

    /// Whether `issuer` is named as the issuer and signed this certificate.
    func isSigned(by issuer: X509Certificate) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_issued(issuer.object, object) == X509_V_OK
            && X509_verify(object, X509_get0_pubkey(issuer.object)) == 1
    }

    func isSame(as other: X509?) -> Bool {
        guard let other else { return false }
        return X509_cmp(object, other) == 0
    }

    /// The names in the certificate: DNS names in lower case and IP addresses as text (RFC 5280 §4.2.1.6).
    var names: [String] {
        guard let extensionValue = unsafe X509_get_ext_d2i(object, NID_subject_alt_name, nil, nil) else { return [] }
        let list = OpaquePointer(extensionValue)
        defer { unsafe GENERAL_NAMES_free(list) }
        return unsafe (0..<COpenSSL_names_count(list)).compactMap { index in
            guard let name = unsafe COpenSSL_names_value(list, index) else { return nil }
            let bytes = unsafe ByteView(unchecked: COpenSSL_name_string(name))
            return switch unsafe name.pointee.type {
            case GEN_DNS: String(decoding: bytes, as: UTF8.self).lowercased()
            case GEN_IPADD: addressText(bytes)
            default: nil
            }
        }
    }

    /// The whole certificate, DER encoded.
    var encoded: [UInt8] { BIO.bytes { i2d_X509_bio($0, object) } }
}

/// The algorithm of a certificate's key, as far as it matters for the choice between certificates.
package enum KeyType: Hashable, Sendable, CustomStringConvertible {
    /// The size in bits.
    case rsa(Int)
    /// The curve's name, such as `prime256v1`.
    case ecdsa(String)
    case ed25519
    case other(String)

    init(of key: EVP_PKEY?) {
        guard let key else {
            self = .other("unknown")
            return
        }
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA, EVP_PKEY_RSA_PSS: self = .rsa(Int(EVP_PKEY_get_bits(key)))
        case EVP_PKEY_EC:
            var name = [UInt8](repeating: 0, count: 64)
            name.withMutableBytes { _ = unsafe COpenSSL_PKEY_write_group(key, $0.octets, $0.count) }
            self = .ecdsa(name.textBeforeZero)
        case EVP_PKEY_ED25519: self = .ed25519
        default: self = .other(key.typeName ?? "unknown")
        }
    }

    package var description: String {
        switch self {
        case .rsa(let bits): "RSA \(bits)"
        case .ecdsa(let curve): "ECDSA \(curve)"
        case .ed25519: "Ed25519"
        case .other(let name): name
        }
    }

    /// Only one certificate of each kind can be used for a name; a client chooses between kinds.
    enum Kind: Hashable {
        case rsa, ecdsa, ed25519, other
    }

    var kind: Kind {
        switch self {
        case .rsa: .rsa
        case .ecdsa: .ecdsa
        case .ed25519: .ed25519
        case .other: .other
        }
    }
}

extension X509 {
    /// In the order of RFC 2253.
    var subject: String { BIO.text { COpenSSL_X509_print_subject(self, $0) } }
    var issuer: String { BIO.text { COpenSSL_X509_print_issuer(self, $0) } }
}

/// A serial number as hexadecimal digits in upper case.
func hexadecimal(_ number: UnsafePointer<ASN1_INTEGER>?) -> String { unsafe hexadecimal(ByteView(unchecked: number)) }

/// Hexadecimal digits in upper case.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
}

/// The epoch for an invalid time.
func timestamp(_ time: UnsafePointer<ASN1_TIME>?) -> Timestamp {
    var calendar = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(time, &calendar) == 1 else { return Timestamp(seconds: 0) }
    return unsafe Timestamp(seconds: Int64(timegm(&calendar)))
}

private func addressText(_ bytes: ByteView) -> String? {
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var text = [UInt8](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let isWritten = text.withMutableBytes { text in
        unsafe inet_ntop(family, bytes.baseAddress, text.baseAddress, socklen_t(text.count)) != nil
    }
    return isWritten ? text.textBeforeZero : nil
}
