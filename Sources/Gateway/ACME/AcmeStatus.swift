import TLS

/// What is known about a certificate that is looked after, for reports.
package struct AcmeStatus: Codable, Equatable, Sendable {
    package var names: [String]
    /// `ecdsa-p256`
    package var key: String
    /// The issuer of the certificate in use; nil while there is none.
    package var issuer: String?
    /// Seconds since 1970, as are the others.
    package var notAfter: Int64?
    package var renewAt: Int64?
    /// Whether an order is in progress.
    package var isOrdering: Bool
    package var failures: Int
    /// What failed last; nil when nothing has since the certificate was issued.
    package var problem: String?
    package var retryAt: Int64?
}

extension AcmeStatus {
    /// Some lines for people.
    package var text: String {
        func time(_ seconds: Int64?) -> String { seconds.map { TLS.Timestamp(seconds: $0).description } ?? "unknown" }
        var lines = ["\(names.joined(separator: ", ")) (\(key))"]
        if let issuer {
            lines.append("  issued by \(issuer), expires \(time(notAfter)), is renewed \(time(renewAt))")
        } else {
            lines.append("  no certificate was issued yet")
        }
        if isOrdering { lines.append("  an order is in progress") }
        if let problem { lines.append("  failed \(failures) times: \(problem)") }
        if let retryAt { lines.append("  tried again \(time(retryAt))") }
        return lines.joined(separator: "\n")
    }
}
