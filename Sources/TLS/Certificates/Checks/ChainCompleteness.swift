/// Checks whether chains are complete: whether they lead a client to an authority that it trusts.
///
/// A site may configure the authorities of its clients; then a chain that does not lead there is refused. If it does
/// not, a chain is complete if it ends with a self-signed certificate or below an authority of the system. For any
/// other chain, the last issuer may be a private authority, which is installed in clients, or a certificate that was
/// forgotten: the chain does not show which, unless its certificate states that a public authority issued it.
struct ChainCompleteness: Sendable {
    enum Verdict {
        case complete
        case refused(CertificateProblem.Kind)
        /// No known authority has this issuer, but clients may have it.
        case unknownIssuer(String)
    }

    private let system: TrustAnchors?
    private let files: [String: Result<TrustAnchors, CertificateProblem>]
    private let now: Timestamp

    /// - Parameter certificates: those that are to be checked.
    init(for certificates: [CertificateFiles], readFile: FileReader, at now: Timestamp) {
        var files: [String: Result<TrustAnchors, CertificateProblem>] = [:]
        for case .file(let path)? in certificates.map(\.authorities) where files[path] == nil {
            files[path] = Result { () throws(CertificateProblem) in
                try TrustAnchors(try readFile(path), file: path)
            }
        }
        self.files = files
        let isSystemNeeded = certificates.contains { $0.authorities == nil || $0.authorities == .system }
        system = isSystemNeeded ? TrustAnchors() : nil
        self.now = now
    }

    /// - Parameter identity: its chain is in order, and valid now.
    func verdict(on identity: CertificateIdentity, _ files: CertificateFiles) throws(CertificateProblem) -> Verdict {
        guard let authorities = files.authorities else { return guess(identity) }
        guard let anchors = try anchors(authorities) else { return .complete }
        return switch anchors.objection(to: identity.chain, isServer: true, at: now) {
        case nil: .complete
        case .missingIssuer(let position, let issuer)?:
            .refused(.missingIssuer(position: position, issuer: issuer, authorities))
        case .refusal(let position, let reason)?: .refused(.distrusted(position: position, reason: reason, authorities))
        }
    }

    /// The certificate of the issuer of the first one: from the chain, or else from the authorities that clients trust.
    func issuer(of identity: CertificateIdentity, _ files: CertificateFiles) -> X509Certificate? {
        if let issuer = identity.issuers.first { return issuer }
        if identity.certificate.isSelfSigned { return identity.certificate }
        let anchors = try? anchors(files.authorities ?? .system)
        return anchors?.issuer(of: identity.certificate)
    }

    private func anchors(_ authorities: CertificateFiles.Authorities) throws(CertificateProblem) -> TrustAnchors? {
        switch authorities {
        case .system: system
        case .file(let path): try files[path]?.get()
        }
    }

    private func guess(_ identity: CertificateIdentity) -> Verdict {
        let last = identity.issuers.last ?? identity.certificate
        if last.isSelfSigned { return .complete }
        // The first signature has been verified; the remaining check is the same for thousands of certificates.
        let shared = identity.issuers.isEmpty ? identity.chain : identity.issuers
        if system?.objection(to: shared, isServer: false, at: now) == nil { return .complete }
        // The root of a public authority does not sign servers' certificates (Baseline Requirements of the CA/Browser
        // Forum, §6.1.7).
        if identity.issuers.isEmpty, identity.certificate.isPubliclyIssued {
            return .refused(.missingIntermediate(issuer: last.issuer))
        }
        return .unknownIssuer(last.issuer)
    }
}
