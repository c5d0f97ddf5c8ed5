import Yams

/// What the decoders of one file share: how paths are resolved, and the mistakes found so far.
///
/// A decoder that finds a mistake reports it here and goes on with a placeholder, so that one reading of the file
/// finds every mistake. A configuration with reported mistakes never leaves the decoder.
final class DecodingContext {
    /// The file as the user named it.
    let file: String
    /// The absolute path of the folder that relative paths start from.
    let folder: String
    let kindOfFile: (String) -> FileKind?
    /// Keys that a later key of the same mapping repeats, by position.
    let repeatedKeys: [SourcePosition: String]
    private(set) var diagnostics: [Diagnostic] = []
    /// Where the file names other files, by their absolute paths; of several places the first.
    private(set) var filePositions: [String: SourcePosition] = [:]
    private var keyPath: [String] = []

    init(
        file: String, folder: String, repeatedKeys: [SourcePosition: String],
        kindOfFile: @escaping (String) -> FileKind?
    ) {
        self.file = file
        self.folder = folder
        self.repeatedKeys = repeatedKeys
        self.kindOfFile = kindOfFile
    }

    func report(_ message: String, at position: SourcePosition, suggestion: String? = nil) {
        diagnostics.append(Diagnostic(file: file, position: position, message: message, suggestion: suggestion))
    }

    func report(_ message: String, at node: Node, suggestion: String? = nil) {
        report(message, at: node.position, suggestion: suggestion)
    }

    func note(file path: String, at position: SourcePosition) {
        if filePositions[path] == nil { filePositions[path] = position }
    }

    /// The key whose value is being decoded, for messages that name it.
    var key: String { keyPath.last ?? "the file" }

    func decode<Value>(_ node: Node, as decoder: ValueDecoder<Value>, key: String) -> Value? {
        keyPath.append(key)
        defer { keyPath.removeLast() }
        return decoder.decode(node, self)
    }

    /// The absolute form of a path written in the file, without `.` and `..`.
    func absolutePath(_ path: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : folder + "/" + path).split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }
}

package enum FileKind: Hashable, Sendable {
    case file, folder
    /// Whatever stands there is behind a folder that may not be entered.
    case hidden(behind: String)
}

/// A decoded value and where it stands.
struct Located<Value> {
    var value: Value
    var position: SourcePosition
}

extension Node {
    var position: SourcePosition {
        SourcePosition(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    /// Whether nothing is written where a value could be: an empty value, `~` or `null`.
    var isNothing: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    /// The node in the words of a message.
    var found: String {
        switch self {
        case _ where isNothing: "nothing"
        case .scalar(let scalar): quoted(scalar.string)
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}
