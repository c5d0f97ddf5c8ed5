import COpenSSL

/// How a site verifies the certificates of its clients: the content of the files of its `ClientCertificatePolicy`.
struct ClientAuthorities: Hashable, Sendable {
    let mode: ClientCertificatePolicy.Mode
    let depth: Int
    /// PEM.
    let authorities: [UInt8]
    /// PEM, or empty.
    let revocations: [UInt8]
    /// For messages only, so it is not part of the comparison.
    let files: Files

    struct Files: Hashable, Sendable {
        var authorities: String
        var revocations: String?

        static func == (left: Files, right: Files) -> Bool { true }
        func hash(into hasher: inout Hasher) {}
    }

    init(_ policy: ClientCertificatePolicy, readFile: FileReader) throws(CertificateProblem) {
        mode = policy.mode
        depth = policy.depth
        authorities = try readFile(policy.authorities)
        revocations = if let file = policy.revocations { try readFile(file) } else { [] }
        files = Files(authorities: policy.authorities, revocations: policy.revocations)
    }

    /// What a session is bound to besides its site: with other authorities or revocations, clients authenticate again
    /// instead of resuming.
    var digest: ContentDigest {
        ContentDigest(Array(mode.rawValue.utf8), Array(String(depth).utf8), authorities, revocations)
    }

    var verification: Int32 {
        mode == .require ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER
    }

    /// Makes a context trust the authorities and send their names to clients.
    func install(in context: SSL_CTX) throws(CertificateProblem) {
        let store = SSL_CTX_get_cert_store(context)
        for authority in try X509Certificate.authorities(in: authorities, file: files.authorities, for: .clients) {
            X509_STORE_add_cert(store, authority.object)
            SSL_CTX_add_client_CA(context, authority.object)
        }
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        guard let file = files.revocations else { return }
        for block in try revocationLists(of: file) {
            guard let list = block.view.revocationList else {
                let reason = "line \(block.line): \(TLSError("read revocation list").reason)"
                throw CertificateProblem(file, .invalidRevocationList(reason))
            }
            X509_STORE_add_crl(store, list)
        }
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
    }

    private func revocationLists(of file: String) throws(CertificateProblem) -> [PEMBlock] {
        let blocks: [PEMBlock]
        do throws(PEMFault) {
            blocks = try PEMFile.blocks(of: revocations)
        } catch {
            throw CertificateProblem(file, .invalidRevocationList(error.description))
        }
        let lists = blocks.filter { $0.kind == .revocationList }
        guard !lists.isEmpty else {
            throw CertificateProblem(
                file, .invalidRevocationList("expected a PEM block that begins with -----BEGIN X509 CRL-----"))
        }
        return lists
    }
}
