import COpenSSL

/// The verification of one certificate with the authorities of a store (X509_STORE_CTX).
@safe
final class ChainVerification {
    private let context: OpaquePointer
    /// Keeps what the context refers to.
    private let sent: CertificateStack

    /// - Parameter issuers: certificates that may be used but are not trusted.
    /// - Returns: nil when OpenSSL refuses.
    init?(of certificate: X509Certificate, by store: X509_STORE, issuers: some Sequence<X509Certificate>) {
        guard let context = unsafe X509_STORE_CTX_new() else { return nil }
        sent = CertificateStack(issuers)
        unsafe self.context = context
        guard unsafe X509_STORE_CTX_init(context, store, certificate.object, sent.pointer) == 1 else { return nil }
    }

    deinit {
        unsafe X509_STORE_CTX_free(context)
    }

    func expectServer() { unsafe X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER) }
    func setTime(_ now: Timestamp) { unsafe X509_STORE_CTX_set_time(context, 0, time_t(now.seconds)) }

    /// The authority in the store that is named as the issuer of the certificate.
    func issuer(of certificate: X509Certificate) -> X509Certificate? {
        unsafe COpenSSL_STORE_CTX_issuer(context, certificate.object).map { X509Certificate($0) }
    }

    func verify() -> Bool { unsafe X509_verify_cert(context) == 1 }

    /// The length of the chain that was verified.
    var length: Int { unsafe Int(COpenSSL_certificates_count(X509_STORE_CTX_get0_chain(context))) }

    /// Why the chain was refused, by OpenSSL's number, at which place from 0, and the certificate there.
    var failure: (number: Int32, place: Int, certificate: X509?) {
        unsafe (
            X509_STORE_CTX_get_error(context), Int(X509_STORE_CTX_get_error_depth(context)),
            X509_STORE_CTX_get_current_cert(context)
        )
    }
}
