/// The rules for responses of a site or a route, from whatever source.
package struct ResponseRules: Sendable, Equatable {
    /// Nil on a route: as on its site. Nil on a site: off.
    package var compression: CompressionRule?
    package var headers = HeaderEdits()
    /// Nil on a route: as on its site. Nil on a site: off.
    package var strictTransport: StrictTransportRule?
    /// Nil on a route: as on its site. Nil on a site: off.
    package var securityHeaders: SecurityHeaders?

    package init() {}

    /// A site's rules with those of a route added.
    package func extended(by route: ResponseRules) -> ResponseRules {
        var rules = self
        rules.compression = route.compression.map { $0.completed(by: compression) } ?? compression
        rules.headers = headers.extended(by: route.headers)
        rules.strictTransport = route.strictTransport ?? strictTransport
        rules.securityHeaders = route.securityHeaders ?? securityHeaders
        return rules
    }
}

package enum CompressionRule: Sendable, Equatable {
    case off
    case on(CompressionOptions)

    /// Options that a route does not set are taken from its site.
    fileprivate func completed(by site: CompressionRule?) -> CompressionRule {
        guard case .on(var options) = self, case .on(let general)? = site else { return self }
        options.level = options.level ?? general.level
        options.minimumSize = options.minimumSize ?? general.minimumSize
        options.types = options.types ?? general.types
        return .on(options)
    }
}

/// How responses are compressed; what is nil takes its default.
package struct CompressionOptions: Sendable, Equatable {
    /// From 1 to 9.
    package var level: Int?
    /// Bytes.
    package var minimumSize: Int?
    /// Patterns such as `text/*`.
    package var types: [String]?

    package init() {}
}

/// Changes of field lines; names compare without case.
package struct HeaderEdits: Sendable, Equatable {
    /// In file order, as are the others.
    package var remove: [String] = []
    /// Replace all fields of the same name.
    package var set: [HeaderTemplate] = []
    /// Are added to fields of the same name.
    package var add: [HeaderTemplate] = []

    package init() {}

    fileprivate func extended(by route: HeaderEdits) -> HeaderEdits {
        let replaced = Set((route.remove + route.set.map(\.name)).map { $0.lowercased() })
        var edits = self
        edits.set.removeAll { replaced.contains($0.name.lowercased()) }
        edits.add.removeAll { replaced.contains($0.name.lowercased()) }
        edits.remove += route.remove
        edits.set += route.set
        edits.add += route.add
        return edits
    }
}

/// A field whose value may depend on the request.
package struct HeaderTemplate: Sendable, Equatable {
    package var name: String
    package var parts: [Part]

    package enum Part: Sendable, Equatable {
        case literal(String)
        /// `{host}`: the request's host, with its port when it has one.
        case host
        /// `{remote}`: the client's address, without its port.
        case remote
        /// `{request_id}`: the id of the request.
        case requestID
    }

    package init(name: String, parts: [Part]) {
        self.name = name
        self.parts = parts
    }
}

extension HeaderTemplate {
    static let placeholders: [String: Part] = ["host": .host, "remote": .remote, "request_id": .requestID]

    /// The parts of a value: `{name}` is a placeholder, `{{` a brace; nil with the reason when it is neither.
    static func parse(_ text: String) -> Result<[Part], Refusal> {
        guard let pieces = TemplatePiece.pieces(of: text, braces: .doubled) else {
            return .failure(
                Refusal(message: "a brace without its partner; write {{ for a brace that stands for itself"))
        }
        var parts: [Part] = []
        for piece in pieces {
            switch piece {
            case .literal(let text): parts.append(.literal(text))
            case .name(let name):
                guard let placeholder = placeholders[name] else { return .failure(unknown(name)) }
                parts.append(placeholder)
            }
        }
        return .success(parts)
    }

    private static func unknown(_ name: String) -> Refusal {
        let names = placeholders.keys.sorted()
        let known = names.map { "{\($0)}" }.joined(separator: ", ")
        return Refusal(
            message: "unknown placeholder \(quoted("{\(name)}")); known are \(known), and {{ for a brace",
            suggestion: nearestName(to: name, among: names))
    }
}

package enum StrictTransportRule: Sendable, Equatable {
    case off
    case on(StrictTransport)
}

/// Strict-Transport-Security (RFC 6797 §6.1).
package struct StrictTransport: Sendable, Equatable {
    package var maximumAge = Duration.seconds(365 * 86_400)
    package var includesSubdomains = false
    package var preloads = false

    package init() {}
}

/// A set of fields that confine what a page may do in a browser.
package enum SecurityHeaders: Sendable, Equatable {
    case off, strict
}
