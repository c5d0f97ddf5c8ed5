import Yams

/// The shared state of the decoders of one file: how paths are resolved, and the mistakes found so far.
///
/// A decoder that finds a mistake reports it here and continues with a placeholder, so that one reading of the file
/// finds every mistake. A configuration with reported mistakes never leaves the decoder.
final class DecodingContext {
    /// The file as the user named it.
    let file: String
    /// The absolute path of the folder to which relative paths refer.
    let folder: String
    let kindOfFile: (String) -> FileKind?
    let system: SystemFacts
    /// Upstreams of one server that routes name by its URL, in the order of their first mention.
    private(set) var namedByURL: [UpstreamConfiguration] = []
    /// Keys that a later key of the same mapping repeats, by position.
    let repeatedKeys: [SourcePosition: String]
    private(set) var diagnostics: [Diagnostic] = []
    /// Warnings.
    private(set) var notes: [ConfigurationNote] = []
    /// Where the file names other files, by their absolute paths; the first of several positions.
    private(set) var filePositions: [String: SourcePosition] = [:]
    /// Positions at which nothing further is reported, because the value there is not the intended one.
    private var unreadable = Set<SourcePosition>()
    private var keyPath: [String] = []
    /// Learns what is accepted; nil while a file is decoded.
    var recorder: ShapeRecorder?

    init(
        file: String, folder: String, repeatedKeys: [SourcePosition: String], system: SystemFacts = .live,
        kindOfFile: @escaping (String) -> FileKind?
    ) {
        self.file = file
        self.folder = folder
        self.repeatedKeys = repeatedKeys
        self.system = system
        self.kindOfFile = kindOfFile
    }

    func report(_ message: String, at position: SourcePosition, suggestion: String? = nil) {
        guard !unreadable.contains(position) else { return }
        diagnostics.append(Diagnostic(file: file, position: position, message: message, suggestion: suggestion))
    }

    func report(_ message: String, at node: Node, suggestion: String? = nil) {
        report(message, at: node.position, suggestion: suggestion)
    }

    /// Reports what prevents a value from being known, and nothing else about the value.
    func reportUnreadable(_ messages: [String], at position: SourcePosition) {
        for message in messages { report(message, at: position) }
        unreadable.insert(position)
    }

    /// Whether there was a value that could not be known.
    var hasUnreadable: Bool { !unreadable.isEmpty }

    func note(_ text: String, at position: SourcePosition) {
        notes.append(ConfigurationNote(line: position.line, text: text))
    }

    func note(file path: String, at position: SourcePosition) {
        if filePositions[path] == nil { filePositions[path] = position }
    }

    /// The upstream that consists of this server only, identified by its URL.
    func upstream(of server: ServerURL) -> String {
        let name = server.description
        if !namedByURL.contains(where: { $0.name == name }) {
            var upstream = UpstreamConfiguration(name: name)
            upstream.servers = [ServerConfiguration(url: server)]
            namedByURL.append(upstream)
        }
        return name
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
    /// The path is behind a folder that may not be entered.
    case hidden(behind: String)
}

/// A decoded value and its position.
struct Located<Value> {
    var value: Value
    var position: SourcePosition
}

extension Node {
    var position: SourcePosition {
        SourcePosition(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    /// Whether there is no value: an empty value, `~` or `null`.
    var isNothing: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    /// The node as messages describe it.
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
