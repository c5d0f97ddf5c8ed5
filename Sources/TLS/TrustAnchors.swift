import COpenSSL
import Glibc

/// The authorities that clients are taken to know, and what such a client says of a chain.
@safe
final class TrustAnchors: @unchecked Sendable {
    /// What is wrong with a chain; positions count from 1.
    enum Objection: Equatable {
        /// The certificate at `position` was signed by somebody who is neither sent along nor known.
        case missingIssuer(position: Int, issuer: String)
        /// OpenSSL's words about the certificate at `position`.
        case refusal(position: Int, reason: String)
    }

    private let store: OpaquePointer

    /// Those of the system: OpenSSL's default file and folder, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    init() {
        unsafe store = X509_STORE_new()
        // Without any, nobody is known.
        unsafe X509_STORE_set_default_paths(store)
        ERR_clear_error()
    }

    /// Those of a PEM file. Each is believed by itself, also one that another authority has signed.
    init(_ text: [UInt8], file: String) throws(CertificateProblem) {
        unsafe store = X509_STORE_new()
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for authority in try X509Certificate.all(in: text, file: file) {
            unsafe X509_STORE_add_cert(store, authority.pointer)
        }
        ERR_clear_error()
    }

    deinit {
        unsafe X509_STORE_free(store)
    }

    /// What a client objects to that is sent `chain` and knows these authorities alone; nil when it believes it.
    ///
    /// - Parameter isServer: whether the first certificate is that of a server, and not that of an authority.
    func objection(to chain: [X509Certificate], isServer: Bool, at now: Timestamp) -> Objection? {
        defer { ERR_clear_error() }
        guard let trial = unsafe X509_STORE_CTX_new() else { return .refusal(position: 1, reason: "out of memory") }
        defer { unsafe X509_STORE_CTX_free(trial) }
        let sent = unsafe COpenSSL_certificates_new()
        defer { unsafe COpenSSL_certificates_free(sent) }
        for certificate in chain.dropFirst() { unsafe COpenSSL_certificates_push(sent, certificate.pointer) }
        guard unsafe X509_STORE_CTX_init(trial, store, chain[0].pointer, sent) == 1 else {
            return .refusal(position: 1, reason: TLSError("verify").reason)
        }
        if isServer { unsafe X509_STORE_CTX_set_purpose(trial, X509_PURPOSE_SSL_SERVER) }
        unsafe X509_STORE_CTX_set_time(trial, 0, time_t(now.seconds))
        if unsafe X509_verify_cert(trial) == 1 {
            // OpenSSL also takes intermediate certificates from the store, where a client may have the root alone.
            let length = unsafe Int(COpenSSL_certificates_count(X509_STORE_CTX_get0_chain(trial)))
            return length <= chain.count + 1 ? nil : .missingIssuer(position: chain.count, issuer: chain.last!.issuer)
        }
        let position = unsafe Int(X509_STORE_CTX_get_error_depth(trial)) + 1
        switch unsafe X509_STORE_CTX_get_error(trial) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            let issuer = unsafe distinguishedName(X509_get_issuer_name(X509_STORE_CTX_get_current_cert(trial)))
            return .missingIssuer(position: position, issuer: issuer)
        case let number:
            let reason = unsafe String(cString: X509_verify_cert_error_string(Int(number)))
            return .refusal(position: position, reason: reason)
        }
    }
}
