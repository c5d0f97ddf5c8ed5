import TLS

/// One certificate of one site, being served or in its file.
package struct CertificateSummary: Codable, Equatable, Sendable {
    /// The hosts of the site.
    package var hosts: [String]
    /// The names in the certificate.
    package var names: [String]
    /// In the order of RFC 2253.
    package var subject: String
    package var issuer: String
    /// `ECDSA prime256v1`, `RSA 2048`
    package var keyType: String
    /// Hexadecimal.
    package var serial: String
    /// RFC 3339, UTC.
    package var notBefore: String
    package var notAfter: String
    /// Negative when it has expired.
    package var secondsLeft: Int64
    /// The file of the chain.
    package var file: String
    /// The generation of certificates that introduced this one; nil when no gateway serves it.
    package var generation: Int?
}

extension CertificateSummary {
    init(_ report: CertificateReport, generation: Int?, now: TLS.Timestamp = .now) {
        self.init(
            hosts: report.hosts, names: report.names, subject: report.subject, issuer: report.issuer,
            keyType: report.keyType.description, serial: report.serial, notBefore: report.notBefore.description,
            notAfter: report.notAfter.description, secondsLeft: report.notAfter.seconds - now.seconds,
            file: report.file, generation: generation)
    }
}

extension CertificateExpiry {
    init(_ report: CertificateReport, now: TLS.Timestamp = .now) {
        self.init(
            file: report.file, serial: report.serial, notAfter: report.notAfter.description,
            secondsLeft: report.notAfter.seconds - now.seconds)
    }
}
