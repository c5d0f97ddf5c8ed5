/// A path with placeholders that are replaced for each request.
package struct PathTemplate: Sendable, Equatable {
    package var parts: [Part]

    package enum Part: Sendable, Equatable {
        case literal(String)
        /// `{path}`: the request's path, percent-decoded and without dot segments.
        case path
        /// `{1}`: the text that a group of the route's expression captured; empty when it did not participate. `{0}` is
        /// the whole path.
        case group(Int)
    }

    /// The groups that have placeholders.
    private static let groups = 0...9

    /// Nil when no group is used.
    var highestGroup: Int? {
        parts.compactMap { if case .group(let number) = $0 { number } else { nil } }.max()
    }

    init(_ text: String) throws(PathTemplateError) {
        parts = []
        let isPath = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#".utf8.contains($0) }
        guard isPath else { throw .invalidCharacter }
        guard let pieces = TemplatePiece.pieces(of: text, braces: .mistaken) else { throw .unpairedBrace }
        for piece in pieces {
            switch piece {
            case .literal(let text): parts.append(.literal(text))
            case .name("path"): parts.append(.path)
            case .name(let name):
                guard let number = Int(name), Self.groups.contains(number), name.utf8.count == 1 else {
                    throw .unknownPlaceholder(name)
                }
                parts.append(.group(number))
            }
        }
        guard text.hasPrefix("/") || parts.first == .path || parts.first == .group(0) else { throw .noSlash }
    }
}

enum PathTemplateError: Error, Equatable {
    case unpairedBrace, unknownPlaceholder(String), invalidCharacter, noSlash

    var message: String {
        switch self {
        case .unpairedBrace: "a brace without its partner; placeholders are {path} and {0} to {9}"
        case .unknownPlaceholder(let name):
            "unknown placeholder \(quoted("{\(name)}")); known are {path} and {0} to {9}"
        case .invalidCharacter: "a path holds printable ASCII only, without '?' and '#': the query stays as it is"
        case .noSlash: "a path begins with '/' or {path}"
        }
    }
}
