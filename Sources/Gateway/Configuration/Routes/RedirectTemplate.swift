/// The target of a redirect: text with placeholders that are replaced for each request.
///
/// No request can make a valid template lead to another host than the file names: it begins with a scheme or with one
/// slash, and text from the client never follows that slash directly.
package struct RedirectTemplate: Sendable, Equatable {
    package var parts: [Part]

    package enum Part: Sendable, Equatable {
        case literal(String)
        /// `{host}`: the request's host, with its port when it has one.
        case host
        /// `{path}`: the request's path, encoded as received, without its query.
        case path
        /// `{query}`: the part after the question mark, empty without one.
        case query
        /// `{uri}`: the path, and the question mark and query when there is a query.
        case uri
    }

    /// The scheme that the target names; nil for one that stays on the site.
    package var scheme: Substring? {
        guard case .literal(let text)? = parts.first, let end = text.firstRange(of: "://") else { return nil }
        return text[..<end.lowerBound]
    }

    /// Whether a port follows the host, which then must be inserted without its own port.
    package var hasPort: Bool {
        zip(parts, parts.dropFirst()).contains { part, next in
            if case (.host, .literal(let text)) = (part, next) { text.hasPrefix(":") } else { false }
        }
    }

    /// The `Location` for one request (RFC 9110 §10.2.2).
    package func expand(host: String, path: String, query: String?) -> String {
        var location = ""
        for part in parts {
            switch part {
            case .literal(let text): location += text
            case .host: location += host
            case .path: location += path
            case .query: location += query ?? ""
            case .uri:
                location += path
                if let query { location += "?" + query }
            }
        }
        return location
    }
}

extension RedirectTemplate {
    /// Parses the `to` of a redirect.
    ///
    /// Errors: `RedirectTemplateError`, whose description states what to write instead.
    init(_ text: String) throws(RedirectTemplateError) {
        parts = []
        guard text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F }) else { throw .invalidCharacter }
        guard let pieces = TemplatePiece.pieces(of: text, braces: .mistaken) else { throw .unpairedBrace }
        var isInQuery = false
        for piece in pieces {
            switch piece {
            case .literal(let text):
                isInQuery = isInQuery || text.contains("?")
                parts.append(.literal(text))
            case .name(let name):
                guard let placeholder = Self.placeholders[name] else { throw .unknownPlaceholder(name) }
                if placeholder == .query, !isInQuery { throw .queryOutsideQuery }
                parts.append(placeholder)
            }
        }

        guard text.hasPrefix("/") || text.hasPrefix("http://") || text.hasPrefix("https://") else { throw .noScheme }
        if text.hasPrefix("//") || text.hasPrefix("/\\") { throw .noScheme }
        if parts.first == .literal("/"), parts.count > 1 { throw .openRedirect }
    }

    private static let placeholders: [String: Part] = [
        "host": .host, "path": .path, "query": .query, "uri": .uri,
    ]
}

enum RedirectTemplateError: Error, Equatable {
    case unpairedBrace, unknownPlaceholder(String), queryOutsideQuery, invalidCharacter, noScheme, openRedirect

    var message: String {
        switch self {
        case .unpairedBrace: "a brace without its partner; placeholders are {host}, {path}, {query} and {uri}"
        case .unknownPlaceholder(let name):
            "unknown placeholder \(quoted("{\(name)}")); known are {host}, {path}, {query} and {uri}"
        case .queryOutsideQuery: "{query} may only stand after a '?'"
        case .invalidCharacter: "a redirect target holds printable ASCII only; percent-encode the rest"
        case .noScheme: "expected a target that begins with http://, https:// or a single '/'"
        case .openRedirect:
            "a placeholder right after the first '/' would let a request choose the host; write https://{host} before it"
        }
    }
}
