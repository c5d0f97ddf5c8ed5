import COpenSSL
import Glibc

/// An X.509 certificate (RFC 5280); its fields are read from it on demand.
@safe
final class X509Certificate: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes ownership of the reference.
    init(_ pointer: OpaquePointer) {
        unsafe self.pointer = pointer
        // Extensions are parsed now, on one thread, instead of by the first handshakes at the same time.
        unsafe X509_check_ca(pointer)
    }

    deinit {
        unsafe X509_free(pointer)
    }

    /// In the order of RFC 2253.
    var subject: String { unsafe distinguishedName(X509_get_subject_name(pointer)) }
    var issuer: String { unsafe distinguishedName(X509_get_issuer_name(pointer)) }
    /// Hexadecimal digits in upper case.
    var serial: String { unsafe hexadecimal(X509_get0_serialNumber(pointer)) }
    var isSelfSigned: Bool {
        defer { ERR_clear_error() }
        return unsafe X509_self_signed(pointer, 1) == 1
    }
    var isAuthority: Bool { unsafe X509_check_ca(pointer) >= 1 }

    var notBefore: Timestamp { unsafe timestamp(X509_get0_notBefore(pointer)) }
    var notAfter: Timestamp { unsafe timestamp(X509_get0_notAfter(pointer)) }

    var keyType: KeyType { unsafe KeyType(of: X509_get0_pubkey(pointer)) }

    /// OpenSSL's number of the signature algorithm.
    var signatureAlgorithm: Int32 { unsafe X509_get_signature_nid(pointer) }

    /// Whether it states that it was issued by the rules for public authorities: that a domain, an organization or a
    /// person was validated (Baseline Requirements of the CA/Browser Forum, §7.1.6.1).
    var isPubliclyIssued: Bool {
        let identifiers = ["2.23.140.1.1", "2.23.140.1.2.1", "2.23.140.1.2.2", "2.23.140.1.2.3"]
        return policies.contains { identifiers.contains($0) }
    }

    /// The object identifiers of its policies (RFC 5280 §4.2.1.4).
    private var policies: [String] {
        guard let value = unsafe X509_get_ext_d2i(pointer, NID_certificate_policies, nil, nil) else { return [] }
        let list = OpaquePointer(value)
        defer { unsafe CERTIFICATEPOLICIES_free(list) }
        return unsafe (0..<COpenSSL_policies_count(list)).map { index in
            var text = [CChar](repeating: 0, count: 80)
            unsafe OBJ_obj2txt(&text, Int32(text.count), COpenSSL_policy_identifier(list, index), 1)
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Whether `issuer` is named as the issuer and signed this certificate.
    func isSigned(by issuer: X509Certificate) -> Bool {
        defer { ERR_clear_error() }
        return unsafe X509_check_issued(issuer.pointer, pointer) == X509_V_OK
            && X509_verify(pointer, X509_get0_pubkey(issuer.pointer)) == 1
    }

    func isSame(as other: OpaquePointer?) -> Bool {
        guard let other = unsafe other else { return false }
        return unsafe X509_cmp(pointer, other) == 0
    }

    /// The names in the certificate: DNS names in lower case and IP addresses as text (RFC 5280 §4.2.1.6).
    var names: [String] {
        guard let extensionValue = unsafe X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil) else { return [] }
        let list = OpaquePointer(extensionValue)
        defer { unsafe GENERAL_NAMES_free(list) }
        return unsafe (0..<COpenSSL_names_count(list)).compactMap { index in
            guard let name = unsafe COpenSSL_names_value(list, index) else { return nil }
            let value = unsafe COpenSSL_name_string(name)
            let bytes = unsafe UnsafeBufferPointer(
                start: ASN1_STRING_get0_data(value), count: Int(ASN1_STRING_length(value)))
            return switch unsafe name.pointee.type {
            case GEN_DNS: unsafe String(decoding: bytes, as: UTF8.self).lowercased()
            case GEN_IPADD: unsafe addressText(bytes)
            default: nil
            }
        }
    }

    /// The whole certificate, DER encoded.
    var encoded: [UInt8] {
        var bytes = unsafe [UInt8](repeating: 0, count: Int(max(0, i2d_X509(pointer, nil))))
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var position = buffer.baseAddress
            _ = unsafe i2d_X509(pointer, &position)
        }
        return bytes
    }
}

/// The algorithm of a certificate's key, as far as it matters for the choice between certificates.
package enum KeyType: Hashable, Sendable, CustomStringConvertible {
    /// The size in bits.
    case rsa(Int)
    /// The curve's name, such as `prime256v1`.
    case ecdsa(String)
    case ed25519
    case other(String)

    init(of key: OpaquePointer?) {
        guard let key = unsafe key else {
            self = .other("unknown")
            return
        }
        switch unsafe EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA, EVP_PKEY_RSA_PSS: self = unsafe .rsa(Int(EVP_PKEY_get_bits(key)))
        case EVP_PKEY_EC:
            var name = [CChar](repeating: 0, count: 64)
            _ = unsafe EVP_PKEY_get_group_name(key, &name, name.count, nil)
            self = .ecdsa(String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        case EVP_PKEY_ED25519: self = .ed25519
        default: self = unsafe .other(EVP_PKEY_get0_type_name(key).map { unsafe String(cString: $0) } ?? "unknown")
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

/// An X.509 name as RFC 2253 text.
func distinguishedName(_ name: OpaquePointer?) -> String {
    guard let name = unsafe name, let memory = unsafe BIO_new(BIO_s_mem()) else { return "" }
    defer { unsafe BIO_free(memory) }
    unsafe X509_NAME_print_ex(memory, name, 0, COpenSSL_XN_FLAG_RFC2253)
    var text = unsafe [UInt8](repeating: 0, count: Int(BIO_ctrl_pending(memory)))
    let count = unsafe BIO_read(memory, &text, Int32(text.count))
    return String(decoding: text.prefix(Int(max(0, count))), as: UTF8.self)
}

/// A serial number as hexadecimal digits in upper case.
func hexadecimal(_ number: UnsafePointer<ASN1_INTEGER>?) -> String {
    guard let number = unsafe number else { return "" }
    let bytes = unsafe UnsafeBufferPointer(start: number.pointee.data, count: Int(number.pointee.length))
    return unsafe bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
}

/// The epoch for an invalid time.
func timestamp(_ time: UnsafePointer<ASN1_TIME>?) -> Timestamp {
    var calendar = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(time, &calendar) == 1 else { return Timestamp(seconds: 0) }
    return unsafe Timestamp(seconds: Int64(timegm(&calendar)))
}

private func addressText(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard unsafe inet_ntop(family, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
