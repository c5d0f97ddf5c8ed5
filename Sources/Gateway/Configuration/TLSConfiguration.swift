/// TLS on a listener: its default negotiation, and settings for all its sites.
package struct ListenerTLSConfiguration: Sendable, Equatable {
    package var settings = TLSSettings()
    package var unknownNames = UnknownNames.default
    /// A file of session ticket keys, as an absolute path; nil for keys that the gateway generates itself.
    package var ticketKeys: String?

    /// The response to a client that sends no server name, or one of no site.
    package enum UnknownNames: Sendable, Equatable {
        /// The site for any host, or the first one.
        case `default`
        /// The alert `unrecognized_name`.
        case reject
    }
}

/// The negotiation settings of a listener or a site; those that are not set are inherited.
///
/// A site inherits from its listener, a listener from the profile; a profile replaces everything inherited.
package struct TLSSettings: Sendable, Equatable {
    package var profile: Profile?
    package var minimumVersion: Version?
    package var maximumVersion: Version?
    /// OpenSSL's names, separated by colons, as are suites and groups.
    package var ciphers: String?
    package var suites: String?
    package var groups: String?
    package var tickets: Bool?
    /// Protocols offered by ALPN (RFC 7301), the preferred one first.
    package var applicationProtocols: [ApplicationProtocol]?

    package enum Profile: String, Sendable {
        case modern, intermediate
    }

    package enum Version: Sendable, Equatable {
        case tls12, tls13
    }

    /// The raw value is the name registered for ALPN.
    package enum ApplicationProtocol: String, Sendable {
        case http2 = "h2"
        case http11 = "http/1.1"
        case http10 = "http/1.0"
    }
}

/// A certificate and its private key: PEM files as absolute paths, except for the OCSP response.
package struct CertificateConfiguration: Sendable, Equatable {
    package var chain: String
    /// The same as `chain` when it holds the key too.
    package var key: String
    /// The file whose first line decrypts the key.
    package var passphraseFile: String?
    /// The DER file of a response to staple; it need not exist.
    package var ocsp: String?
    /// The authorities that clients trust; nil when they are not configured.
    package var authorities: Authorities?
    /// Whether a change of these files is noticed; nil for the setting of the configuration.
    package var isWatched: Bool?
    /// What is ordered; nil for a certificate that somebody else looks after.
    package var acme: AcmeUse?

    package enum Authorities: Sendable, Equatable {
        case system
        /// A PEM file as an absolute path.
        case file(String)
    }
}

package struct ClientCertificateConfiguration: Sendable, Equatable {
    package var mode: Mode
    /// PEM files as absolute paths.
    package var authorities: String
    package var revocations: String?
    /// The maximum number of certificates between a client's and an authority's.
    package var depth = 1
    /// The line in the file, for messages about them.
    package var line: Int

    package enum Mode: String, Sendable {
        case request, require
    }
}
