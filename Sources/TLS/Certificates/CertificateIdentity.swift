import COpenSSL
import Memory

/// A certificate, the certificates of its issuers and its private key: the proof of a name to a client.
///
/// Immutable and independent of names and policies; two sets of certificates share it while its files do not change.
final class CertificateIdentity: Sendable {
    let certificate: X509Certificate
    /// In the order of the file, beginning with the one that signed the certificate.
    let issuers: [X509Certificate]
    let keyType: KeyType
    let notAfter: Timestamp
    /// The generation of certificates that introduced this one.
    let generation: Int
    private let key: PrivateKey
    /// `issuers` in OpenSSL's form.
    private let issuerStack: CertificateStack

    init(certificate: X509Certificate, issuers: [X509Certificate], key: PrivateKey, generation: Int) {
        self.certificate = certificate
        self.issuers = issuers
        self.key = key
        keyType = certificate.keyType
        notAfter = certificate.notAfter
        self.generation = generation
        issuerStack = CertificateStack(issuers)
    }

    var chain: [X509Certificate] { [certificate] + issuers }

    /// Whether the private key belongs to the certificate: the public key stored with it is the certificate's, and is
    /// the one that the private key yields.
    var provesItself: Bool {
        defer { ERR_clear_error() }
        guard X509_check_private_key(certificate.object, key.object) == 1 else { return false }
        // For an RSA key, that would require proving that two numbers are prime.
        if case .rsa = keyType { return verifiesItself }
        guard let trial = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key.object, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(trial) }
        return unsafe EVP_PKEY_pairwise_check(trial) == 1
    }

    /// Whether the certificate verifies a signature of the key, with the hash that the key is made for (RFC 8017
    /// appendix C).
    private var verifiesItself: Bool {
        let text = Array("proof".utf8)
        guard let signature = text.withBytes({ key.object.signature(of: $0) }),
            let publicKey = X509_get0_pubkey(certificate.object)
        else { return false }
        return text.withBytes { text in signature.withBytes { publicKey.verifies($0, of: text) } }
    }

    /// Adds this certificate to those of a handshake.
    ///
    /// A context per site would do the same in advance, at the cost of 12 KiB and 0.2 ms for each.
    func attach(to session: SSL) -> Bool {
        unsafe SSL_use_cert_and_key(session, certificate.object, key.object, issuerStack.pointer, 1) == 1
    }
}
