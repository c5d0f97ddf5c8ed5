/// Where certificates are ordered, and how (RFC 8555).
package struct AcmeConfiguration: Sendable, Equatable {
    package var name: String
    /// The URL of the authority's directory.
    package var directory: String
    /// The URL of a directory of the same authority for trials, if there is one.
    package var staging: String?
    /// `mailto:` URLs.
    package var contact: [String] = []
    package var keys: [Key] = [.ecdsaP256]
    /// The preferred first.
    package var challenges: [Challenge] = [.http]
    /// How records for dns-01 are published.
    package var dns: DNS?
    package var binding: Binding?
    package var profile: String?
    /// A file of authorities for the connection to this one; nil for the system's.
    package var authorities: String?
    /// A part of the name of the issuer that the chain is to lead to.
    package var preferredChain: String?
    /// The folder with accounts and certificates, as an absolute path; of a shared storage, this machine's copy.
    package var storage: String
    package var sharedStorage: SharedStorageConfiguration?
    /// The file whose first line encrypts private keys there.
    package var storageKeyFile: String?
    /// Whether handshakes are refused until there is a certificate, in place of a placeholder.
    package var waits = false

    /// The raw value is that of the file, and ends the names of stored certificates.
    package enum Key: String, Sendable {
        case ecdsaP256 = "ecdsa-p256"
        case ecdsaP384 = "ecdsa-p384"
        case rsa = "rsa-2048"
    }

    package enum Challenge: String, Sendable {
        case http = "http-01"
        case tlsALPN = "tls-alpn-01"
        case dns = "dns-01"
        case dnsPersist = "dns-persist-01"

        /// Whether it is proved without a connection to a listener, so that it proves wildcards too, but no addresses.
        var usesDomain: Bool { self == .dns || self == .dnsPersist }
    }

    package struct DNS: Sendable, Equatable {
        /// The absolute path of a program, and its first arguments.
        package var command: [String] = []
        /// How long it may take.
        package var timeout: Duration = .seconds(60)
        /// How long to wait after it, until all servers of the domain have the record.
        package var propagation: Duration = .seconds(30)
    }

    /// What makes a new account one that the authority knows (RFC 8555 §7.3.4).
    package struct Binding: Sendable, Equatable {
        package var keyID: String
        /// The file whose first line is the key, in base64 for URLs.
        package var keyFile: String
    }

    package static let letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"
    package static let letsEncryptStaging = "https://acme-staging-v02.api.letsencrypt.org/directory"

    /// The directory in which a trial costs nothing; nil if none is known.
    var trialDirectory: String? {
        staging
            ?? (directory == Self.letsEncrypt || directory == Self.letsEncryptStaging ? Self.letsEncryptStaging : nil)
    }

    /// Whether every client is expected to trust what it issues, so that it issues for public names only.
    var isPublic: Bool { directory == Self.letsEncrypt || directory == Self.letsEncryptStaging }
}

/// A storage of several gateways.
package struct SharedStorageConfiguration: Sendable, Equatable {
    package var redis: RedisConfiguration
    /// The beginning of the names of its keys.
    package var prefix = "isagate"
    /// How long a gateway that does not answer keeps others from ordering.
    package var lockTimeout = Duration.seconds(45)
}

/// The names of a site that certificates are ordered for.
package struct AcmeUse: Sendable, Hashable {
    /// The issuers in the order in which they are tried.
    package var issuers: [String]
    /// In lower case, without brackets.
    package var names: [String]
    package var key: AcmeConfiguration.Key
    package var waits: Bool

    /// What its stored certificate is named by: the shortest name, so that the order of names does not matter.
    var label: String {
        let name = names.min { ($0.utf8.count, $0) < ($1.utf8.count, $1) } ?? ""
        return "\(name.replacing("*", with: "_").replacing(":", with: "-")).\(key.rawValue)"
    }
}

extension AcmeConfiguration {
    /// The files of certificates for a site, one for each kind of key; they need not exist.
    static func certificates(_ hosts: [HostPattern], by issuers: [AcmeConfiguration]) -> [CertificateConfiguration] {
        guard let first = issuers.first else { return [] }
        let names = hosts.compactMap(\.certificateName)
        guard !names.isEmpty else { return [] }
        return first.keys.map { key in
            let use = AcmeUse(issuers: issuers.map(\.name), names: names, key: key, waits: first.waits)
            let path = "\(first.storage)/certificates/\(use.label).pem"
            var certificate = CertificateConfiguration(chain: path, key: path, passphraseFile: first.storageKeyFile)
            certificate.isWatched = true
            certificate.acme = use
            return certificate
        }
    }
}

extension HostPattern {
    /// Nil for any host, which no certificate is for.
    var certificateName: String? {
        switch self {
        case .any: nil
        case .exact(let name): name.hasPrefix("[") ? String(name.dropFirst().dropLast()) : name
        case .wildcard(let suffix): "*" + suffix
        }
    }
}
