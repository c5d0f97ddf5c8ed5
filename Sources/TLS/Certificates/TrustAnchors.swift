import COpenSSL
import Glibc

/// The authorities that clients are assumed to trust, and the verification of a chain by such a client.
@safe
final class TrustAnchors: @unchecked Sendable {
    /// The problem with a chain; positions count from 1.
    enum Objection: Equatable {
        /// The certificate at `position` was signed by an issuer that is neither in the chain nor trusted.
        case missingIssuer(position: Int, issuer: String)
        /// OpenSSL's message about the certificate at `position`.
        case refusal(position: Int, reason: String)
    }

    private let store: OpaquePointer

    /// The authorities of the system: OpenSSL's default folder and file, or those of `SSL_CERT_DIR` and
    /// `SSL_CERT_FILE`.
    init() {
        unsafe store = X509_STORE_new()
        let folders = unsafe Self.place(X509_get_default_cert_dir_env(), X509_get_default_cert_dir())
        unsafe X509_STORE_load_path(store, folders)
        // Reading the file takes longer than a reload; from an indexed folder, which has the same authorities, only the
        // requested ones are read.
        if unsafe getenv(X509_get_default_cert_file_env()) != nil || !Self.isIndexed(folders) {
            let file = unsafe Self.place(X509_get_default_cert_file_env(), X509_get_default_cert_file())
            unsafe X509_STORE_load_file(store, file)
        }
        // If neither exists, no authority is trusted.
        ERR_clear_error()
    }

    /// The value of an environment variable, or else a default.
    private static func place(_ variable: UnsafePointer<CChar>, _ otherwise: UnsafePointer<CChar>) -> String {
        unsafe String(cString: getenv(variable) ?? UnsafeMutablePointer(mutating: otherwise))
    }

    /// Whether one of some folders has certificates by the hash of their subject, as `openssl rehash` makes them.
    private static func isIndexed(_ folders: String) -> Bool {
        folders.split(separator: ":").contains { folder in
            var found = unsafe glob_t()
            defer { unsafe globfree(&found) }
            return unsafe glob("\(folder)/????????.0", GLOB_NOSORT, nil, &found) == 0
        }
    }

    /// The authorities of a PEM file. Each is trusted by itself, also one that another authority has signed.
    init(_ text: [UInt8], file: String) throws(CertificateProblem) {
        unsafe store = X509_STORE_new()
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for authority in try X509Certificate.authorities(in: text, file: file, for: .ownChain) {
            unsafe X509_STORE_add_cert(store, authority.pointer)
        }
        ERR_clear_error()
    }

    deinit {
        unsafe X509_STORE_free(store)
    }

    /// The authority among them that signed a certificate.
    func issuer(of certificate: X509Certificate) -> X509Certificate? {
        defer { ERR_clear_error() }
        guard let search = unsafe X509_STORE_CTX_new() else { return nil }
        defer { unsafe X509_STORE_CTX_free(search) }
        var issuer: OpaquePointer?
        guard unsafe X509_STORE_CTX_init(search, store, certificate.pointer, nil) == 1,
            unsafe X509_STORE_CTX_get1_issuer(&issuer, search, certificate.pointer) == 1, let issuer = unsafe issuer
        else { return nil }
        let found = unsafe X509Certificate(issuer)
        return certificate.isSigned(by: found) ? found : nil
    }

    /// The problem of a client that receives `chain` and trusts only these authorities; nil when it accepts the chain.
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
            // OpenSSL also takes intermediate certificates from the store, where a client may have only the root.
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
