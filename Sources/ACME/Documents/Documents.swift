/// The resources of an authority (RFC 8555 §7.1.1, RFC 9773 §4.1).
package struct DirectoryDocument: Codable, Equatable, Sendable {
    package var newNonce: String
    package var newAccount: String
    package var newOrder: String
    package var revokeCert: String?
    package var keyChange: String?
    package var renewalInfo: String?
    package var meta: Metadata?

    package struct Metadata: Codable, Equatable, Sendable {
        package var termsOfService: String?
        package var externalAccountRequired: Bool?
        /// Names of the authority in records of domains, the one to be used first.
        package var caaIdentities: [String]?
        /// Names and descriptions of what the authority can issue.
        package var profiles: [String: String]?
    }
}

/// RFC 8555 §7.1.2.
package struct AccountDocument: Codable, Equatable, Sendable {
    package var status: String?
    package var contact: [String]?
}

/// RFC 8555 §7.1.3.
package struct OrderDocument: Codable, Equatable, Sendable {
    package enum Status: String, Codable, Sendable {
        case pending, ready, processing, valid, invalid
    }

    package var status: Status
    package var identifiers: [Identifier]?
    package var authorizations: [String]
    package var finalize: String
    package var certificate: String?
    package var error: ProblemDocument?

    package init(
        status: Status, identifiers: [Identifier]? = nil, authorizations: [String], finalize: String,
        certificate: String? = nil, error: ProblemDocument? = nil
    ) {
        self.status = status
        self.identifiers = identifiers
        self.authorizations = authorizations
        self.finalize = finalize
        self.certificate = certificate
        self.error = error
    }
}

/// RFC 8555 §7.1.4.
package struct AuthorizationDocument: Codable, Equatable, Sendable {
    package enum Status: String, Codable, Sendable {
        case pending, valid, invalid, deactivated, expired, revoked
    }

    package var status: Status
    package var identifier: Identifier
    package var challenges: [ChallengeDocument]
    package var wildcard: Bool?

    package init(
        status: Status, identifier: Identifier, challenges: [ChallengeDocument], wildcard: Bool? = nil
    ) {
        self.status = status
        self.identifier = identifier
        self.challenges = challenges
        self.wildcard = wildcard
    }
}

/// RFC 8555 §8.
package struct ChallengeDocument: Codable, Equatable, Sendable {
    package var type: String
    package var url: String
    package var status: String?
    package var token: String?
    package var error: ProblemDocument?
    /// The names that may stand in the record of dns-persist-01.
    package var issuerDomainNames: [String]?

    package init(
        type: String, url: String, status: String? = nil, token: String? = nil, error: ProblemDocument? = nil,
        issuerDomainNames: [String]? = nil
    ) {
        self.type = type
        self.url = url
        self.status = status
        self.token = token
        self.error = error
        self.issuerDomainNames = issuerDomainNames
    }

    enum CodingKeys: String, CodingKey {
        case type, url, status, token, error
        case issuerDomainNames = "issuer-domain-names"
    }
}

/// When an authority suggests to renew a certificate (RFC 9773 §4.2).
package struct RenewalInfoDocument: Codable, Equatable, Sendable {
    package struct Window: Codable, Equatable, Sendable {
        /// RFC 3339.
        package var start: String
        package var end: String
    }

    package var suggestedWindow: Window
    package var explanationURL: String?
}
