import COpenSSL
import Glibc

/// The authorities that clients are assumed to trust, and the verification of a chain by such a client.
final class TrustAnchors: Sendable {
    /// The problem with a chain; positions count from 1.
    enum Objection: Equatable {
        /// The certificate at `position` was signed by an issuer that is neither in the chain nor trusted.
        case missingIssuer(position: Int, issuer: String)
        /// OpenSSL's message about the certificate at `position`.
        case refusal(position: Int, reason: String)
    }

    private let store: X509_STORE

    /// The authorities of the system: OpenSSL's default folder and file, or those of `SSL_CERT_DIR` and
    /// `SSL_CERT_FILE`.
    init() {
        store = X509_STORE_new()!
        let folders = unsafe Self.place(X509_get_default_cert_dir_env(), X509_get_default_cert_dir())
        X509_STORE_load_path(store, folders)
        // Reading the file takes longer than a reload; from an indexed folder, which has the same authorities, only the
        // requested ones are read.
        if unsafe getenv(X509_get_default_cert_file_env()) != nil || !Self.isIndexed(folders) {
            let file = unsafe Self.place(X509_get_default_cert_file_env(), X509_get_default_cert_file())
            X509_STORE_load_file(store, file)
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
        store = X509_STORE_new()!
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for authority in try X509Certificate.authorities(in: text, file: file, for: .ownChain) {
            X509_STORE_add_cert(store, authority.object)
        }
        ERR_clear_error()
    }

    /// The authority among them that signed a certificate.
    func issuer(of certificate: X509Certificate) -> X509Certificate? {
        defer { ERR_clear_error() }
        guard let search = ChainVerification(of: certificate, by: store, issuers: []),
            let found = search.issuer(of: certificate)
        else { return nil }
        return certificate.isSigned(by: found) ? found : nil
    }

    /// The problem of a client that receives `chain` and trusts only these authorities; nil when it accepts the chain.
    ///
    /// - Parameter isServer: whether the first certificate is that of a server, and not that of an authority.
    func objection(to chain: [X509Certificate], isServer: Bool, at now: Timestamp) -> Objection? {
        defer { ERR_clear_error() }
        guard let trial = ChainVerification(of: chain[0], by: store, issuers: chain.dropFirst()) else {
            return .refusal(position: 1, reason: TLSError("verify").reason)
        }
        if isServer { trial.expectServer() }
        trial.setTime(now)
        if trial.verify() {
            // OpenSSL also takes intermediate certificates from the store, where a client may have only the root.
            if trial.length <= chain.count + 1 { return nil }
            return .missingIssuer(position: chain.count, issuer: chain.last!.issuer)
        }
        let failure = trial.failure
        switch failure.number {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return .missingIssuer(position: failure.place + 1, issuer: failure.certificate?.issuer ?? "")
        case let number:
            return .refusal(
                position: failure.place + 1, reason: SessionReference.text(ofVerdict: Int(number)))
        }
    }
}
