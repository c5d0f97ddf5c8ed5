import TLS

/// One certificate of one site, being served or in its file.
package struct CertificateSummary: Codable, Equatable, Sendable {
    /// The hosts of the site.
    package var hosts: [String]
    /// The names the certificate is for.
    package var names: [String]
    /// RFC 2253 order.
    package var subject: String
    package var issuer: String
    /// `ECDSA prime256v1`, `RSA 2048`
    package var keyType: String
    /// Hexadecimal.
    package var serial: String
    /// RFC 3339, UTC.
    package var notBefore: String
    package var notAfter: String
    /// Negative when it is over.
    package var secondsLeft: Int64
    /// Of the chain.
    package var file: String
    /// The exchange of certificates that brought this one; nil when nobody serves it.
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
