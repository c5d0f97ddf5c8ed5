/// Why a certificate, a key or another file of TLS cannot be used.
package struct CertificateProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file that has to change.
    package let file: String
    package let kind: Kind

    package enum Kind: Hashable, Sendable {
        /// The system's reason, and the folder it is about when that is not the file itself.
        case unreadable(String)
        /// Not PEM: the line that is wrong, or the actual format of the file.
        case damaged(String)
        case noCertificate
        case invalidCertificate(position: Int, line: Int, reason: String)
        case noKey
        case severalKeys
        case passphraseMissing
        case wrongPassphrase(passphraseFile: String)
        case invalidKey(String)
        /// The chain whose first certificate the key does not belong to.
        case keyMismatch(chain: String)
        case chainOrder(position: Int, issuer: String, found: String)
        case notAuthority(position: Int, subject: String)
        case expired(position: Int, Timestamp)
        case notYetValid(position: Int, Timestamp)
        case missingHosts([String], names: [String])
        case noHost([String], names: [String])
        case neverServed(other: String)
        case weakKey(bits: Int)
        case unsupportedKey(String)
        case refusedByPolicy(String)
        case handshake(name: String, reason: String)
        /// A file of authorities that verify clients, upstream servers, or one of the gateway's own chains.
        case invalidAuthorities(Judged, String)
        case invalidRevocationList(String)
        case ticketKeySize(Int)
        case policy(String)
        case missingIntermediate(issuer: String)
        /// The certificate at `position` was signed by an issuer that is neither in the chain nor an authority.
        case missingIssuer(position: Int, issuer: String, CertificateFiles.Authorities)
        case distrusted(position: Int, reason: String, CertificateFiles.Authorities)
        /// The same applies to this many other files.
        case unknownIssuer(String, others: Int)
        case invalidOCSPResponse(OCSPStaple.Fault)
        case unverifiedOCSPResponse(issuer: String)
    }

    /// Whose certificates the authorities verify.
    package enum Judged: Sendable {
        case clients, servers, ownChain

        fileprivate var authorities: String {
            switch self {
            case .clients: "authorities for client certificates"
            case .servers: "authorities for the certificates of servers"
            case .ownChain: "authorities that clients know"
            }
        }
    }

    package init(_ file: String, _ kind: Kind) {
        self.file = file
        self.kind = kind
    }

    package var description: String { "\(file): \(text)" }

    private var text: String {
        switch kind {
        case .unreadable(let reason): "cannot be read: \(reason)"
        case .damaged(let reason): reason
        case .noCertificate: "contains no certificate; expected PEM blocks that begin with -----BEGIN CERTIFICATE-----"
        case .invalidCertificate(let position, let line, let reason):
            "certificate \(position) in it, in line \(line), is not a valid X.509 certificate: \(reason); expected one as an "
                + "authority issues it"
        case .noKey: "contains no private key; expected a PEM block that begins with -----BEGIN PRIVATE KEY-----"
        case .severalKeys: "contains several private keys; expected one"
        case .passphraseMissing: "is encrypted; expected a passphrase_file beside it"
        case .wrongPassphrase(let file): "cannot be decrypted; expected its passphrase in the first line of \(file)"
        case .invalidKey(let reason):
            "is not a valid private key: \(reason); expected PKCS #8, or the older form of an RSA or EC key"
        case .keyMismatch(let chain): "is not the key of the first certificate in \(chain); expected its private key"
        case .chainOrder(let position, let issuer, let found):
            "certificate \(position) is \(found), which did not sign certificate \(position - 1); "
                + "expected the certificate of \(issuer) there"
        case .notAuthority(let position, let subject):
            "certificate \(position), \(subject), is not that of an authority; expected one that may sign certificates"
        case .expired(let position, let time):
            "\(Self.ordinal(position)) expired on \(time); expected one that is valid now"
        case .notYetValid(let position, let time):
            "\(Self.ordinal(position)) is not valid before \(time); expected one that is valid now"
        case .missingHosts(let hosts, let names):
            "is not for \(Self.list(hosts)), nor is another certificate of the site; it is for \(Self.list(names))"
        case .noHost(let hosts, let names):
            "is for none of the site's hosts: it is for \(Self.list(names)); expected \(Self.list(hosts))"
        case .neverServed(let other): "would never be used: \(other) has the same kind of key for the same hosts"
        case .weakKey(let bits): "has an RSA key of \(bits) bits; expected at least 2048"
        case .unsupportedKey(let type):
            "has a key of type \(type); expected RSA, ECDSA on P-256, P-384 or P-521, or Ed25519"
        case .refusedByPolicy(let reason): "is refused by the TLS policy: \(reason)"
        case .handshake(let name, let reason): "no client could connect to \(name) with it: \(reason)"
        case .invalidAuthorities(let judged, let reason): "is no list of \(judged.authorities): \(reason)"
        case .invalidRevocationList(let reason): "is no list of revoked client certificates: \(reason)"
        case .ticketKeySize(let size): "has \(size) bytes; expected one to three ticket keys of 80 bytes"
        case .policy(let reason): "has TLS settings that OpenSSL refuses: \(reason)"
        case .missingIntermediate(let issuer):
            "holds one certificate only, and clients lack that of its issuer, \(issuer), an intermediate one of a public "
                + "authority; expected it behind the first (certbot's file with both is fullchain.pem)"
        case .missingIssuer(let position, let issuer, let authorities):
            "leads to none of \(Self.name(authorities)): that of \(issuer), which signed certificate \(position), is "
                + "missing; expected it behind certificate \(position) or among them"
        case .distrusted(let position, let reason, let authorities):
            "is not believed by clients that know \(Self.name(authorities)): certificate \(position): \(reason)"
        case .unknownIssuer(let issuer, let others):
            "leads to \(issuer), none of the system's authorities; clients need to know it, or its certificate is "
                + "missing (ca says whom clients know)" + (others > 0 ? "; so it is with \(others) more files" : "")
        case .unverifiedOCSPResponse(let issuer):
            "is stapled without its signature being verified: the certificate of \(issuer) is not at hand; expected it in "
                + "the chain, in the response or among the authorities of ca"
        case .invalidOCSPResponse(let fault):
            "is not stapled\(fault.isTemporary ? " yet" : ""): \(fault); expected the authority's present answer about the "
                + "certificate"
        }
    }

    private static func name(_ authorities: CertificateFiles.Authorities) -> String {
        switch authorities {
        case .system: "the system's authorities"
        case .file(let path): "the authorities in \(path)"
        }
    }

    private static func ordinal(_ position: Int) -> String {
        position == 1 ? "the certificate" : "certificate \(position) of the chain"
    }

    /// The first few, so that a message stays readable.
    private static func list(_ items: [String]) -> String {
        if items.isEmpty { return "no name at all" }
        let shown = items.prefix(5).joined(separator: ", ")
        return items.count > 5 ? "\(shown) and \(items.count - 5) more" : shown
    }
}

/// All problems with a set of certificates, found in one run.
package struct CertificateProblems: Error, Equatable, Sendable, CustomStringConvertible {
    package let problems: [CertificateProblem]

    /// One line for each.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
