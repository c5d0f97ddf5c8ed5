import TLS

/// What there is to know of certificates, for people and for programs.
package struct CertificateSurvey {
    private let reports: [CertificateReport]
    /// Why some of them cannot be used.
    package let problems: [String]

    /// Reads the certificates that a configuration names.
    package init(_ configuration: Configuration) {
        let (reports, problems) = CertificateLoader().examine(configuration.tlsListeners)
        self.reports = reports
        self.problems = problems.map(\.description)
    }

    /// Certificates in use.
    package init(_ set: CertificateSet) {
        reports = set.reports
        problems = []
    }

    /// One line for each certificate that is over by then.
    package func expiring(within time: Duration) -> [String] {
        reports.filter { $0.expires(within: time) }.map { "\($0.file): error: expires on \($0.notAfter)" }
    }

    package var text: String {
        if reports.isEmpty { return "no certificates" }
        return reports.map { report in
            """
            \(report.hosts.joined(separator: ", "))
              file:    \(report.file)
              names:   \(report.names.joined(separator: ", "))
              issuer:  \(report.issuer)
              key:     \(report.keyType)
              serial:  \(report.serial)
              expires: \(report.notAfter)
            """
        }.joined(separator: "\n")
    }

    /// An array of objects.
    package var json: String {
        let objects = reports.map { report in
            let members = [
                ("hosts", Self.array(report.hosts)), ("file", Self.string(report.file)),
                ("names", Self.array(report.names)),
                ("subject", Self.string(report.subject)), ("issuer", Self.string(report.issuer)),
                ("key", Self.string(report.keyType.description)), ("serial", Self.string(report.serial)),
                ("not_before", Self.string(report.notBefore.description)),
                ("not_after", Self.string(report.notAfter.description)),
            ]
            return "{" + members.map { "\(Self.string($0)): \($1)" }.joined(separator: ", ") + "}"
        }
        return objects.isEmpty ? "[]" : "[\n  " + objects.joined(separator: ",\n  ") + "\n]"
    }

    private static func array(_ items: [String]) -> String {
        "[" + items.map(string).joined(separator: ", ") + "]"
    }

    /// RFC 8259 §7.
    private static func string(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                "\\u" + String(repeating: "0", count: scalar.value < 16 ? 3 : 2) + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}
