/// A text of nginx's configuration with variables in it.
struct NginxText {
    enum Piece: Equatable {
        case literal(String)
        /// The name without the dollar sign; a number for a captured group.
        case variable(String)
    }

    var pieces: [Piece] = []

    init(_ text: String) {
        var literal = ""
        var rest = text[...]
        while let character = rest.first {
            rest = rest.dropFirst()
            guard character == "$", let next = rest.first else {
                literal.append(character)
                continue
            }
            var name = ""
            if next == "{", let end = rest.firstIndex(of: "}") {
                name = String(rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[rest.index(after: end)...]
            } else if next.isASCII, next.isNumber {
                name = String(next)
                rest = rest.dropFirst()
            } else {
                name = String(rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
                rest = rest.dropFirst(name.count)
            }
            if name.isEmpty {
                literal.append("$")
                continue
            }
            if !literal.isEmpty { pieces.append(.literal(literal)) }
            literal = ""
            pieces.append(.variable(name))
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
    }

    var isLiteral: Bool { pieces.allSatisfy { if case .literal = $0 { true } else { false } } }

    /// The text, with each variable replaced; nil when one has no replacement.
    func replaced(literal: (String) -> String = { $0 }, variable: (String) -> String?) -> String? {
        var text = ""
        for piece in pieces {
            switch piece {
            case .literal(let part): text += literal(part)
            case .variable(let name):
                guard let value = variable(name) else { return nil }
                text += value
            }
        }
        return text
    }
}

extension NginxTranslation {
    /// A text in which variables that `set` gives one fixed value are replaced.
    func expanded(_ text: String, in scope: NginxScope, depth: Int = 0) -> String {
        let pieces = NginxText(text)
        guard !pieces.isLiteral, depth < 8 else { return text }
        return pieces.replaced { name in
            guard let set = self.constant(name, in: scope) else { return "${\(name)}" }
            carry(set)
            return self.expanded(set.arguments[1], in: scope, depth: depth + 1)
        } ?? text
    }

    /// The only `set` of a variable in a block and those around it.
    private func constant(_ name: String, in scope: NginxScope) -> NginxDirective? {
        var found: [NginxDirective] = []
        var one: NginxScope? = scope
        while let current = one {
            found += Self.assignments(of: "$" + name, in: current.directives, isConditional: false)
            one = current.parent
        }
        guard found.count == 1, found[0].name == "set", found[0].arguments.count == 2 else { return nil }
        return found[0]
    }

    private static func assignments(
        of name: String, in directives: [NginxDirective], isConditional: Bool
    ) -> [NginxDirective] {
        directives.flatMap { directive -> [NginxDirective] in
            if directive.name == "set", directive.first == name {
                // One in a condition makes the value depend on the request.
                return isConditional ? [directive, directive] : [directive]
            }
            if directive.name == "if", let block = directive.block {
                return assignments(of: name, in: block, isConditional: true)
            }
            return []
        }
    }

    /// The target of a redirect with the gateway's placeholders; nil when it has a variable without one.
    ///
    /// - Parameter usesTLS: whether the listeners use TLS; nil for some that do and others.
    func redirectTarget(_ text: String, in scope: NginxScope, _ server: NginxServer, usesTLS: Bool?) -> String? {
        let text = expanded(text, in: scope)
        var target = NginxText(
            text.replacing("$is_args$args", with: "?$args").replacing("${is_args}${args}", with: "?$args")
        )
        .replaced(literal: Self.encoded) { name in
            switch name {
            case "scheme": usesTLS == false ? "http" : "https"
            case "host", "http_host": "{host}"
            case "server_name": server.name
            case "request_uri": "{uri}"
            case "uri", "document_uri": "{path}"
            case "args", "query_string": "{query}"
            case "hostname": nil
            default: nil
            }
        }
        // The placeholder has the query, so a question mark in front would be the second one.
        if let end = target, end.hasSuffix("{path}?{query}") { target = end.dropLast("{path}?{query}".count) + "{uri}" }
        guard let target else { return nil }
        let queryIsPlaced = target.firstRange(of: "{query}").map { target[..<$0.lowerBound].contains("?") } ?? true
        guard queryIsPlaced, target.hasPrefix("/") || target.hasPrefix("http://") || target.hasPrefix("https://"),
            !target.hasPrefix("//"), !target.hasPrefix("/{"), !target.hasPrefix("/\\")
        else { return nil }
        return target
    }

    /// Printable ASCII without braces, which begin placeholders.
    static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            if byte > 0x20, byte < 0x7F, !"{}".utf8.contains(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }

    /// The value of a response's field with the gateway's placeholders.
    func fieldTemplate(_ text: String, in scope: NginxScope) -> String? {
        NginxText(expanded(text, in: scope)).replaced(literal: { $0.replacing("{", with: "{{") }) { name in
            switch name {
            case "host", "http_host": "{host}"
            case "remote_addr": "{remote}"
            case "request_id": "{request_id}"
            default: nil
            }
        }
    }
}
