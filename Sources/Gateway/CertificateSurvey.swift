import TLS

/// Information about certificates, as text and as data.
package struct CertificateSurvey {
    package let certificates: [CertificateSummary]
    /// Why some of them cannot be used.
    package let problems: [String]

    /// Reads the certificates that a configuration names.
    package init(_ configuration: Configuration) {
        let reader = AcmeMaterial.reader(CertificateFileSystem.read)
        var material = AcmeMaterial(readFile: reader, at: .now)
        let listeners = material.resolve(configuration.tlsListeners)
        let (reports, problems) = CertificateLoader(readFile: reader, readKey: reader).examine(listeners)
        certificates = reports.map { CertificateSummary($0, generation: nil) }
        self.problems = material.problems + problems.map(\.description)
    }

    /// The certificates that a running gateway reports to serve.
    package init(_ served: [CertificateSummary]) {
        certificates = served
        problems = []
    }

    /// One line for each certificate that has expired by then.
    package func expiring(within time: Duration) -> [String] {
        certificates.filter { $0.secondsLeft < time.components.seconds }.map { certificate in
            "\(certificate.file): error: expires on \(certificate.notAfter)"
        }
    }

    package var text: String {
        if certificates.isEmpty { return "no certificates" }
        return certificates.map { certificate in
            let origin = certificate.generation.map { "generation \($0)" } ?? "not served"
            return """
                \(certificate.hosts.joined(separator: ", "))
                  file:    \(certificate.file)
                  names:   \(certificate.names.joined(separator: ", "))
                  issuer:  \(certificate.issuer)
                  key:     \(certificate.keyType)
                  serial:  \(certificate.serial)
                  expires: \(certificate.notAfter)
                  since:   \(origin)
                """
        }.joined(separator: "\n")
    }
}
