/// What an authority says about an error (RFC 8555 §6.7, RFC 9457).
package struct ProblemDocument: Codable, Equatable, Sendable {
    package var type: String?
    package var detail: String?
    package var status: Int?
    package var subproblems: [Subproblem]?

    package struct Subproblem: Codable, Equatable, Sendable {
        package var type: String?
        package var detail: String?
        package var identifier: Identifier?
    }

    package init(type: String? = nil, detail: String? = nil, status: Int? = nil, subproblems: [Subproblem]? = nil) {
        self.type = type
        self.detail = detail
        self.status = status
        self.subproblems = subproblems
    }

    /// The name of the error: `rateLimited` for `urn:ietf:params:acme:error:rateLimited`; nil for others.
    package var kind: String? { Self.kind(of: type) }

    private static let namespace = "urn:ietf:params:acme:error:"
    private static let shownSubproblems = 5

    private static func kind(of type: String?) -> String? {
        guard let type, type.hasPrefix(namespace) else { return nil }
        return visibleText(String(type.dropFirst(namespace.count)), limit: 40)
    }

    /// One line for people.
    package var text: String {
        var parts = [Self.sentence(kind: kind, detail: detail)]
        let subproblems = subproblems ?? []
        for one in subproblems.prefix(Self.shownSubproblems) {
            let name = one.identifier.map { visibleText($0.value, limit: 100) } ?? "one name"
            parts.append("\(name): \(Self.sentence(kind: Self.kind(of: one.type), detail: one.detail))")
        }
        if subproblems.count > Self.shownSubproblems {
            parts.append("and \(subproblems.count - Self.shownSubproblems) more")
        }
        return parts.joined(separator: "; ")
    }

    private static func sentence(kind: String?, detail: String?) -> String {
        let meaning = kind.map { meanings[$0] ?? $0 }
        let detail = detail.map { visibleText($0) }
        switch (meaning, detail) {
        case (let meaning?, let detail?): return "\(meaning) (\(kind ?? ""): \(detail))"
        case (let meaning?, nil): return meaning
        case (nil, let detail?): return detail
        case (nil, nil): return "no reason is given"
        }
    }

    /// RFC 8555 §6.7, RFC 9773 §7.4, and the draft about profiles.
    private static let meanings: [String: String] = [
        "accountDoesNotExist": "it does not know the account",
        "alreadyRevoked": "the certificate is revoked already",
        "alreadyReplaced": "the certificate was replaced already",
        "badCSR": "it does not accept the certificate request",
        "badNonce": "it does not accept the nonce",
        "badPublicKey": "it does not accept the key",
        "badRevocationReason": "it does not accept the reason of the revocation",
        "badSignatureAlgorithm": "it does not accept the signature's algorithm",
        "caa": "a CAA record forbids it to issue",
        "compound": "there are several reasons",
        "connection": "it could not connect to the host",
        "dns": "it could not resolve the name",
        "externalAccountRequired": "it wants an account that it knows: set eab",
        "incorrectResponse": "the answer to the challenge was not the expected one",
        "invalidContact": "it does not accept the contact",
        "invalidProfile": "it has no such profile",
        "malformed": "it does not understand the request",
        "orderNotReady": "the order is not ready",
        "rateLimited": "too much was asked of it lately",
        "rejectedIdentifier": "it does not issue for the name",
        "serverInternal": "it has an error of its own",
        "tls": "TLS with the host failed",
        "unauthorized": "the account has no authorization for this",
        "unsupportedContact": "it does not support the contact",
        "unsupportedIdentifier": "it does not issue for names of this kind",
        "userActionRequired": "somebody has to act, for example agree to new terms",
    ]
}

/// A name that a certificate is ordered for (RFC 8555 §7.1.3, RFC 8738).
package struct Identifier: Codable, Hashable, Sendable {
    package var type: String
    package var value: String

    package init(type: String, value: String) {
        self.type = type
        self.value = value
    }

    /// - Parameter name: a host name, a wildcard, or an IP address without brackets.
    package init(_ name: String) {
        let isAddress = name.contains(":") || name.split(separator: ".").last?.allSatisfy(\.isNumber) == true
        self.init(type: isAddress ? "ip" : "dns", value: name)
    }
}
