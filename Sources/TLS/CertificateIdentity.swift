import COpenSSL

/// A certificate, the certificates of its issuers and its private key: what proves a name to a client.
///
/// Immutable and independent of names and policies; two sets of certificates share it while its files do not change.
@safe
final class CertificateIdentity: @unchecked Sendable {
    let certificate: X509Certificate
    /// From the one that signed the certificate on, as the file has them.
    let issuers: [X509Certificate]
    let keyType: KeyType
    let notAfter: Timestamp
    /// The exchange of certificates that brought this one.
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

    /// Lets a handshake prove itself with this certificate, among others.
    ///
    /// A context per site would do the same in advance, at the price of 12 KiB and 0.2 ms for each.
    func attach(to session: OpaquePointer) -> Bool {
        unsafe SSL_use_cert_and_key(session, certificate.pointer, key.pointer, issuerStack, 1) == 1
    }
}
