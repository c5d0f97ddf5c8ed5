import COpenSSL

/// A certificate, the certificates of its issuers and its private key: the proof of a name to a client.
///
/// Immutable and independent of names and policies; two sets of certificates share it while its files do not change.
@safe
final class CertificateIdentity: @unchecked Sendable {
    let certificate: X509Certificate
    /// In the order of the file, beginning with the one that signed the certificate.
    let issuers: [X509Certificate]
    let keyType: KeyType
    let notAfter: Timestamp
    /// The generation of certificates that introduced this one.
    let generation: Int
    private let key: PrivateKey
    /// `issuers` in OpenSSL's form.
    private let issuerStack: OpaquePointer

    init(certificate: X509Certificate, issuers: [X509Certificate], key: PrivateKey, generation: Int) {
        self.certificate = certificate
        self.issuers = issuers
        self.key = key
        keyType = certificate.keyType
        notAfter = certificate.notAfter
        self.generation = generation
        unsafe issuerStack = COpenSSL_certificates_new()
        for issuer in issuers { unsafe COpenSSL_certificates_push(issuerStack, issuer.pointer) }
    }

    deinit {
        unsafe COpenSSL_certificates_free(issuerStack)
    }

    var chain: [X509Certificate] { [certificate] + issuers }

    /// Whether the private key belongs to the certificate: the public key stored with it is the certificate's, and is
    /// the one that the private key yields.
    var provesItself: Bool {
        defer { ERR_clear_error() }
        guard unsafe X509_check_private_key(certificate.pointer, key.pointer) == 1 else { return false }
        // For an RSA key, that would require proving that two numbers are prime.
        if case .rsa = keyType { return verifiesItself }
        guard let trial = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(trial) }
        return unsafe EVP_PKEY_pairwise_check(trial) == 1
    }

    /// Whether the certificate verifies a signature of the key, with the hash that the key is made for (RFC 8017
    /// appendix C).
    private var verifiesItself: Bool {
        guard let operation = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(operation) }
        let text = Array("proof".utf8)
        var count = 0
        guard unsafe EVP_DigestSignInit(operation, nil, nil, nil, key.pointer) == 1,
            unsafe EVP_DigestSign(operation, nil, &count, text, text.count) == 1
        else { return false }
        var signature = [UInt8](repeating: 0, count: count)
        guard unsafe EVP_DigestSign(operation, &signature, &count, text, text.count) == 1 else { return false }
        unsafe EVP_MD_CTX_reset(operation)
        let publicKey = unsafe X509_get0_pubkey(certificate.pointer)
        return unsafe EVP_DigestVerifyInit(operation, nil, nil, nil, publicKey) == 1
            && EVP_DigestVerify(operation, signature, count, text, text.count) == 1
    }

    /// Adds this certificate to those of a handshake.
    ///
    /// A context per site would do the same in advance, at the cost of 12 KiB and 0.2 ms for each.
    func attach(to session: OpaquePointer) -> Bool {
        unsafe SSL_use_cert_and_key(session, certificate.pointer, key.pointer, issuerStack, 1) == 1
    }
}
