/// All certificates of the gateway, read, checked and tried together; immutable.
///
/// It keeps what the next loading can reuse: parsed certificates, contexts and trials.
package final class CertificateSet: Sendable {
    /// By listener name.
    package let stores: [String: CertificateStore]
    /// The number of the replacement, from 1.
    package let generation: Int
    /// Warnings about what works but is probably not intended.
    package let warnings: [CertificateProblem]
    let uses: [CertificateUse]
    let identities: [ContentDigest: CertificateIdentity]
    let contexts: [TLSContext.Key: TLSContext]
    let proven: Set<HandshakeProof.Subject>

    init(
        stores: [String: CertificateStore], generation: Int, warnings: [CertificateProblem], uses: [CertificateUse],
        identities: [ContentDigest: CertificateIdentity], contexts: [TLSContext.Key: TLSContext],
        proven: Set<HandshakeProof.Subject>
    ) {
        self.stores = stores
        self.generation = generation
        self.warnings = warnings
        self.uses = uses
        self.identities = identities
        self.contexts = contexts
        self.proven = proven
    }

    /// One for each certificate of each site, in the order of the description, however many listeners it is on.
    package var reports: [CertificateReport] {
        var seen = Set<CertificateUse.Place>()
        return uses.filter { seen.insert($0.place).inserted }.map(\.report)
    }

    /// The change of each certificate, by its files.
    package func changes(from earlier: CertificateSet?) -> [CertificateChange] {
        let old = Dictionary((earlier?.uses ?? []).map { ($0.files, $0) }) { first, _ in first }
        let new = Dictionary(uses.map { ($0.files, $0) }) { first, _ in first }
        var seen = Set<CertificateFiles>()
        let kept = uses.filter { seen.insert($0.files).inserted }.map { use in
            CertificateChange(
                old: old[use.files]?.report, new: use.report,
                isChanged: old[use.files]?.identity !== use.identity)
        }
        let removed = (earlier?.uses ?? []).filter { new[$0.files] == nil && seen.insert($0.files).inserted }
        return kept + removed.map { CertificateChange(old: $0.report, new: nil, isChanged: true) }
    }
}

/// A certificate as it is used by a site.
struct CertificateUse: Sendable {
    let hosts: [ServerNamePattern]
    let files: CertificateFiles
    let identity: CertificateIdentity

    struct Place: Hashable {
        let hosts: [ServerNamePattern]
        let files: CertificateFiles
    }

    var place: Place { Place(hosts: hosts, files: files) }

    var report: CertificateReport {
        CertificateReport(
            hosts: hosts.map(\.description), file: files.chain, serial: identity.certificate.serial,
            subject: identity.certificate.subject, issuer: identity.certificate.issuer,
            names: identity.certificate.names, keyType: identity.keyType, notBefore: identity.certificate.notBefore,
            notAfter: identity.notAfter, generation: identity.generation)
    }
}

/// The data of a certificate for the operator.
package struct CertificateReport: Equatable, Sendable {
    /// The hosts of the site that uses it.
    package let hosts: [String]
    /// The file of the chain.
    package let file: String
    /// Hexadecimal digits in upper case.
    package let serial: String
    /// RFC 2253 order.
    package let subject: String
    package let issuer: String
    /// The names and addresses in the certificate.
    package let names: [String]
    package let keyType: KeyType
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    /// The generation of certificates that introduced it.
    package let generation: Int
}

/// A certificate before and after a replacement; nil for none.
package struct CertificateChange: Equatable, Sendable {
    package let old: CertificateReport?
    package let new: CertificateReport?
    package let isChanged: Bool
}
