import TLS

/// How a name can be proved to an authority.
package enum ChallengeType: String, Codable, CaseIterable, Sendable {
    /// A file of the host (RFC 8555 §8.3).
    case http = "http-01"
    /// A record of the domain (RFC 8555 §8.4).
    case dns = "dns-01"
    /// A certificate in a handshake (RFC 8737).
    case tlsALPN = "tls-alpn-01"
    /// A record of the domain that stays (draft-ietf-acme-dns-persist).
    case dnsPersist = "dns-persist-01"

    /// Whether a wildcard can be proved with it.
    package var provesWildcards: Bool { self == .dns || self == .dnsPersist }
    package var isAnsweredByListeners: Bool { self == .http || self == .tlsALPN }
    package var provesAddresses: Bool { self == .http || self == .tlsALPN }
}

/// A challenge that is to be answered for a name.
package struct ChallengeUse: Codable, Equatable, Sendable {
    package let type: ChallengeType
    /// The name to be proved, without the `*.` of a wildcard.
    package let name: String
    /// Where the authority is told to look.
    package let url: String
    package let token: String
    package let authorization: String

    /// The value of the record for dns-01.
    package func recordValue(_ key: JSONWebKey) -> String {
        Base64URL.encode(digest(of: Array(key.keyAuthorization(token).utf8)))
    }
}

extension AuthorizationDocument {
    /// The challenge of the first wanted type that can be used.
    ///
    /// A token is a name of a file and a part of a URL, so it has no other characters than those of base64 for URLs
    /// (RFC 8555 §8.1).
    func challenge(_ wanted: [ChallengeType], authorization: String) -> (ChallengeUse, ChallengeDocument)? {
        for type in wanted {
            if wildcard == true, !type.provesWildcards { continue }
            guard let found = challenges.first(where: { $0.type == type.rawValue }) else { continue }
            let token = found.token ?? ""
            let isToken = (1...256).contains(token.utf8.count) && token.utf8.allSatisfy(isTokenByte)
            guard isToken || type == .dnsPersist else { continue }
            return (
                ChallengeUse(
                    type: type, name: identifier.value.lowercased(), url: found.url, token: token,
                    authorization: authorization), found
            )
        }
        return nil
    }
}

private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
    default: false
    }
}
