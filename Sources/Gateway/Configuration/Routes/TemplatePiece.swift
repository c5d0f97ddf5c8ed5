/// A piece of a text with placeholders.
enum TemplatePiece: Equatable {
    case literal(String)
    /// The text between braces.
    case name(String)

    /// The meaning of a brace that does not begin a placeholder.
    enum Braces {
        /// None: it is a mistake, as in paths and URLs, where a brace has to be percent-encoded.
        case mistaken
        /// `{{` is a brace, and `}` is literal.
        case doubled
    }

    /// The pieces of a text; nil when a brace has no partner.
    static func pieces(of text: String, braces: Braces) -> [TemplatePiece]? {
        var pieces: [TemplatePiece] = []
        var literal = ""
        var rest = text[...]
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" && braces == .mistaken }) {
            literal += rest[..<brace]
            let inner = rest[rest.index(after: brace)...]
            if braces == .doubled, inner.first == "{" {
                literal.append("{")
                rest = inner.dropFirst()
                continue
            }
            guard rest[brace] == "{", let end = inner.firstIndex(of: "}") else { return nil }
            if !literal.isEmpty { pieces.append(.literal(literal)) }
            literal = ""
            pieces.append(.name(String(inner[..<end])))
            rest = inner[inner.index(after: end)...]
        }
        literal += rest
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        return pieces
    }
}
