import COpenSSL
import Glibc

@testable import TLS

/// A certificate authority created for one test; its certificates are kept in memory as PEM text.
final class TestAuthority: Sendable {
    enum KeyKind: CaseIterable {
        case ecdsa, rsa, ed25519
    }

    /// A certificate's files.
    struct Issued: Sendable {
        var certificate: [UInt8]
        var key: [UInt8]
    }

    private let certificate: X509
    private let key: EVP_PKEY
    let pem: [UInt8]

    init(
        _ name: String = "Test authority", issuer: TestAuthority? = nil, days: (from: Int, until: Int) = (-1, 30)
    ) {
        key = generateKey(.ecdsa)
        certificate = makeCertificate(
            name, key: key, days: days,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
            ])
        let signer = issuer
        unsafe X509_set_issuer_name(certificate, X509_get_subject_name(signer?.certificate ?? certificate))
        X509_sign(certificate, signer?.key ?? key, EVP_sha256())
        let own = certificate
        pem = writePEM { PEM_write_bio_X509($0, own) }
    }

    /// - Parameters:
    ///   - days: from which day to which the certificate is valid; today is 0.
    ///   - passphrase: encrypts the key.
    ///   - isPublic: whether it states that its domain was validated by the rules for public authorities.
    func issue(
        _ names: [String], _ kind: KeyKind = .ecdsa, bits: Int32 = 2048, curve: String = "prime256v1",
        days: (from: Int, until: Int) = (-1, 30), serial: Int = Int.random(in: 1..<(1 << 40)),
        passphrase: String? = nil, isPublic: Bool = false
    ) -> Issued {
        let leafKey = generateKey(kind, bits: bits, curve: curve)
        let list = names.map { $0.first!.isNumber ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ",")
        let leaf = makeCertificate(
            names.first ?? "nobody", key: leafKey, serial: serial, days: days,
            extensions: (names.isEmpty ? [] : [(NID_subject_alt_name, list)])
                + (isPublic ? [(NID_certificate_policies, domainValidated)] : []))
        unsafe X509_set_issuer_name(leaf, X509_get_subject_name(certificate))
        X509_sign(leaf, key, EVP_sha256())
        return Issued(
            certificate: writePEM { PEM_write_bio_X509($0, leaf) },
            key: writePEM { bio in
                let secret = passphrase.map { Array($0.utf8) }
                return unsafe PEM_write_bio_PKCS8PrivateKey(
                    bio, leafKey, secret == nil ? nil : EVP_aes_256_cbc(), secret?.map { CChar(bitPattern: $0) },
                    Int32(secret?.count ?? 0), nil, nil)
            })
    }

    /// A revocation list with serial numbers, PEM.
    func revoke(_ serials: [Int]) -> [UInt8] {
        let list = X509_CRL_new()!
        X509_CRL_set_version(list, 1)
        unsafe X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate))
        let time = unsafe X509_gmtime_adj(nil, 0)
        defer { unsafe ASN1_TIME_free(time) }
        unsafe X509_CRL_set1_lastUpdate(list, time)
        for serial in serials {
            let revoked = unsafe X509_REVOKED_new()
            let number = unsafe ASN1_INTEGER_new()
            unsafe ASN1_INTEGER_set_int64(number, Int64(serial))
            unsafe X509_REVOKED_set_serialNumber(revoked, number)
            unsafe X509_REVOKED_set_revocationDate(revoked, time)
            unsafe X509_CRL_add0_revoked(list, revoked)
            unsafe ASN1_INTEGER_free(number)
        }
        unsafe X509_gmtime_adj(time, 86_400)
        unsafe X509_CRL_set1_nextUpdate(list, time)
        X509_CRL_sign(list, key, EVP_sha256())
        return writePEM { PEM_write_bio_X509_CRL($0, list) }
    }
}

/// The policy 2.23.140.1.2.1, DER.
private let domainValidated = "DER:30:0A:30:08:06:06:67:81:0C:01:02:01"

private func generateKey(
    _ kind: TestAuthority.KeyKind, bits: Int32 = 2048, curve: String = "prime256v1"
) -> EVP_PKEY {
    let name =
        switch kind {
        case .ecdsa: "EC"
        case .rsa: "RSA"
        case .ed25519: "ED25519"
        }
    let context = unsafe EVP_PKEY_CTX_new_from_name(nil, name, nil)
    defer { unsafe EVP_PKEY_CTX_free(context) }
    unsafe EVP_PKEY_keygen_init(context)
    if kind == .ecdsa { unsafe EVP_PKEY_CTX_set_group_name(context, curve) }
    if kind == .rsa { unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) }
    var key: EVP_PKEY?
    unsafe EVP_PKEY_generate(context, &key)
    return key!
}

private func makeCertificate(
    _ name: String, key: EVP_PKEY, serial: Int = 1, days: (from: Int, until: Int) = (-1, 30),
    extensions: [(Int32, String)]
) -> X509 {
    let certificate = X509_new()!
    X509_set_version(certificate, 2)
    unsafe ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), Int64(serial))
    unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), days.from * 86_400)
    unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), days.until * 86_400)
    unsafe X509_NAME_add_entry_by_NID(
        X509_get_subject_name(certificate), NID_commonName, COpenSSL_MBSTRING_UTF8, Array(name.utf8),
        Int32(name.utf8.count),
        -1, 0)
    X509_set_pubkey(certificate, key)
    for (identifier, value) in extensions {
        let item = unsafe X509V3_EXT_conf_nid(nil, nil, identifier, value)
        unsafe X509_add_ext(certificate, item, -1)
        unsafe X509_EXTENSION_free(item)
    }
    return certificate
}

private func writePEM(_ write: (BIO) -> Int32) -> [UInt8] { BIO.bytes(write) }
