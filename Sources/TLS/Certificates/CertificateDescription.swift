/// The files of one certificate, as absolute paths.
package struct CertificateFiles: Hashable, Sendable {
    /// PEM: the site's certificate first, then the one that signed it, and so on; the root may be omitted.
    package var chain: String
    /// PEM; may be the same file as `chain`.
    package var key: String
    /// The first line is the passphrase of the key.
    package var passphrase: String?
    /// An OCSP response, DER (RFC 6960).
    package var ocsp: String?
    /// The authorities that clients trust, to one of which the chain has to lead; nil when they are not configured.
    package var authorities: Authorities?
    package var role = Role.configured

    /// Where a certificate comes from.
    package enum Role: Hashable, Sendable {
        case configured
        /// The gateway orders and renews it.
        case issued
        /// It stands in for an issued one, for names that no other certificate is for.
        ///
        /// - Parameter waits: handshakes are refused meanwhile.
        case placeholder(waits: Bool)
    }

    package enum Authorities: Hashable, Sendable {
        case system
        /// PEM; each certificate in it is trusted by itself.
        case file(String)
    }

    package init(
        chain: String, key: String, passphrase: String? = nil, ocsp: String? = nil, authorities: Authorities? = nil
    ) {
        self.chain = chain
        self.key = key
        self.passphrase = passphrase
        self.ocsp = ocsp
        self.authorities = authorities
    }
}

/// A site's requirements on its clients' certificates.
package struct ClientCertificatePolicy: Hashable, Sendable {
    package enum Mode: String, Sendable {
        /// A client may connect without a certificate; one that it sends must be valid.
        case request
        /// No handshake without a valid certificate.
        case require
    }

    package var mode: Mode
    /// PEM file of the authorities whose certificates are accepted; each is trusted by itself.
    package var authorities: String
    /// The maximum number of certificates between the client's and the authority's.
    package var depth: Int
    /// PEM file with a revocation list of every authority in use.
    package var revocations: String?

    package init(mode: Mode, authorities: String, depth: Int = 1, revocations: String? = nil) {
        self.mode = mode
        self.authorities = authorities
        self.depth = depth
        self.revocations = revocations
    }
}

/// The TLS settings of a site.
package struct SiteDescription: Sendable {
    package var hosts: [ServerNamePattern]
    package var policy: TLSPolicy
    /// In order of preference among those for the same name and key type.
    package var certificates: [CertificateFiles]
    package var clientCertificates: ClientCertificatePolicy?

    package init(
        hosts: [ServerNamePattern], policy: TLSPolicy, certificates: [CertificateFiles],
        clientCertificates: ClientCertificatePolicy? = nil
    ) {
        self.hosts = hosts
        self.policy = policy
        self.certificates = certificates
        self.clientCertificates = clientCertificates
    }
}

/// A listener with TLS and its sites.
package struct TLSListenerDescription: Sendable {
    package enum UnknownNames: Sendable {
        /// The site for any name answers, or the first one.
        case answeredByDefault
        /// The handshake ends with the alert `unrecognized_name` (RFC 6066 §3).
        case rejected
    }

    package var name: String
    package var policy: TLSPolicy
    package var unknownNames: UnknownNames
    /// A file of one to three keys of 80 bytes; nil for keys that the gateway generates itself.
    package var ticketKeys: String?
    package var sites: [SiteDescription]

    package init(
        name: String, policy: TLSPolicy, unknownNames: UnknownNames = .answeredByDefault, ticketKeys: String? = nil,
        sites: [SiteDescription]
    ) {
        self.name = name
        self.policy = policy
        self.unknownNames = unknownNames
        self.ticketKeys = ticketKeys
        self.sites = sites
    }
}
