/// A piece of a text with placeholders.
enum TemplatePiece: Equatable {
    case literal(String)
    /// What stands between braces.
    case name(String)

    /// What a brace means that begins no placeholder.
    enum Braces {
        /// Nothing: it is a mistake, as in paths and URLs, where a brace would have to be percent-encoded.
        case mistaken
        /// `{{` stands for a brace, and `}` for itself.
        case doubled
    }

    /// A text taken apart; nil when a brace lacks its partner.
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
