import COpenSSL

/// How a site judges the certificates of its clients: the files of its `ClientCertificatePolicy`, read.
struct ClientAuthorities: Hashable, Sendable {
    let mode: ClientCertificatePolicy.Mode
    let depth: Int
    /// PEM.
    let authorities: [UInt8]
    /// PEM, or empty.
    let revocations: [UInt8]
    /// For messages only, hence not part of the comparison.
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

    /// What a session is bound to besides its site: with other authorities or revocations, clients prove themselves
    /// again instead of resuming.
    var digest: ContentDigest {
        ContentDigest(Array(mode.rawValue.utf8), Array(String(depth).utf8), authorities, revocations)
    }

    var verification: Int32 {
        mode == .require ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER
    }

    /// Lets a context trust the authorities and tell clients their names.
    func install(in context: OpaquePointer) throws(CertificateProblem) {
        let store = unsafe SSL_CTX_get_cert_store(context)
        let certificates = try blocks(of: authorities, kind: .certificate, file: files.authorities) {
            .invalidAuthorities(.clients, $0)
        }
        for block in certificates {
            let parsed = unsafe block.parse { position, count in unsafe d2i_X509(nil, position, count) }
            guard let parsed = unsafe parsed else {
                throw CertificateProblem(
                    files.authorities, .invalidAuthorities(.clients, TLSError("read certificate").reason))
            }
            let authority = unsafe X509Certificate(parsed)
            unsafe X509_STORE_add_cert(store, authority.pointer)
            unsafe SSL_CTX_add_client_CA(context, authority.pointer)
        }
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        guard let file = files.revocations else { return }
        for block in try blocks(of: revocations, kind: .revocationList, file: file, or: { .invalidRevocationList($0) })
        {
            let list = unsafe block.parse { position, count in unsafe d2i_X509_CRL(nil, position, count) }
            guard let list = unsafe list else {
                throw CertificateProblem(file, .invalidRevocationList(TLSError("read revocation list").reason))
            }
            unsafe X509_STORE_add_crl(store, list)
            unsafe X509_CRL_free(list)
        }
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
    }

    private func blocks(
        of text: [UInt8], kind: PEMBlock.Kind, file: String, or problem: (String) -> CertificateProblem.Kind
    ) throws(CertificateProblem) -> [PEMBlock] {
        let all: [PEMBlock]
        do throws(TLSError) {
            all = try PEMFile.blocks(of: text)
        } catch {
            throw CertificateProblem(file, problem(error.reason))
        }
        let wanted = all.filter { $0.kind == kind }
        if wanted.isEmpty {
            let label = kind == .certificate ? "CERTIFICATE" : "X509 CRL"
            throw CertificateProblem(file, problem("expected a PEM block that begins with -----BEGIN \(label)-----"))
        }
        return wanted
    }
}
