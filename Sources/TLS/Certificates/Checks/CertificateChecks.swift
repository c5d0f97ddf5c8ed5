/// Checks of a certificate that do not depend on its site.
extension CertificateIdentity {
    /// Signature and order of the chain and the strength of the key, which do not change with time.
    func lastingProblems(_ files: CertificateFiles) -> [CertificateProblem] {
        keyProblems(files) + chainProblems(files)
    }

    private func keyProblems(_ files: CertificateFiles) -> [CertificateProblem] {
        switch keyType {
        case .rsa(let bits) where bits < 2048: [CertificateProblem(files.chain, .weakKey(bits: bits))]
        case .ecdsa(let curve) where !["prime256v1", "secp384r1", "secp521r1"].contains(curve):
            [CertificateProblem(files.chain, .unsupportedKey(keyType.description))]
        case .other: [CertificateProblem(files.chain, .unsupportedKey(keyType.description))]
        case .rsa, .ecdsa, .ed25519: []
        }
    }

    /// Each certificate is signed by the next one (RFC 8446 §4.4.2); `ChainCompleteness` checks whether the last one's
    /// issuer is known.
    private func chainProblems(_ files: CertificateFiles) -> [CertificateProblem] {
        for (index, (certificate, issuer)) in zip(chain, issuers).enumerated() {
            let position = index + 2
            guard certificate.isSigned(by: issuer) else {
                let kind = CertificateProblem.Kind.chainOrder(
                    position: position, issuer: certificate.issuer, found: issuer.subject)
                return [CertificateProblem(files.chain, kind)]
            }
            guard issuer.isAuthority else {
                return [CertificateProblem(files.chain, .notAuthority(position: position, subject: issuer.subject))]
            }
        }
        return []
    }

    func validityProblems(_ files: CertificateFiles, at now: Timestamp) -> [CertificateProblem] {
        chain.enumerated().compactMap { index, certificate in
            if certificate.notAfter <= now {
                CertificateProblem(files.chain, .expired(position: index + 1, certificate.notAfter))
            } else if now < certificate.notBefore {
                CertificateProblem(files.chain, .notYetValid(position: index + 1, certificate.notBefore))
            } else {
                nil
            }
        }
    }

    /// The names in the certificate, as patterns.
    var patterns: [ServerNamePattern] { certificate.names.map { ServerNamePattern($0) } }
}
