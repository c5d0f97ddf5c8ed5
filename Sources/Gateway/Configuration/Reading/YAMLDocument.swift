import Yams

/// The tree of nodes of one YAML text, or the reasons why there is none.
struct YAMLDocument {
    /// Nil for a text without any node.
    var root: Node?
    /// The name of every key that a later key of the same mapping repeats, by position. In the tree such a key has
    /// another spelling, so that the rest of the text can be decoded too.
    var repeatedKeys: [SourcePosition: String] = [:]
}

/// Why a text is not YAML.
struct YAMLSyntaxError: Error {
    var message: String
    var position: SourcePosition
}

extension YAMLDocument {
    /// Enough for tens of thousands of generated sites; a larger file is not a configuration.
    static let maximumBytes = 16 << 20

    init(_ source: SourceText) throws(YAMLSyntaxError) {
        // The library stops at the first mapping with a repeated key. Renaming one occurrence and parsing again finds
        // the others as well; each round costs one parse.
        var text = source.text
        for round in 0... {
            do {
                // The types of values are determined by the decoders; the library's type inference would take most of
                // the time.
                root = try compose(yaml: text, .basic)
                return
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let position = SourcePosition(context.mark)
                let name = names.first ?? ""
                guard round < Self.maximumRepeatedKeys, let respelled = respell(text, at: position, round: round) else {
                    throw YAMLSyntaxError(message: "duplicate key \(quoted(name))", position: position)
                }
                repeatedKeys[position] = name
                text = respelled
            } catch {
                throw YAMLSyntaxError(error, in: source)
            }
        }
    }

    private static let maximumRepeatedKeys = 16
}

/// The text with the first letter of the key at a position replaced by a private-use character; columns do not change.
///
/// Nil when the key does not begin with a letter or an underscore, after an optional quotation mark.
private func respell(_ text: String, at position: SourcePosition, round: Int) -> String? {
    let source = SourceText(text)
    guard var index = source.index(of: position) else { return nil }
    var scalars = text.unicodeScalars
    if scalars[index] == "\"" || scalars[index] == "'" { index = scalars.index(after: index) }
    guard
        index < scalars.endIndex, scalars[index].properties.isAlphabetic || scalars[index] == "_",
        let replacement = Unicode.Scalar(0xE000 + round)
    else { return nil }
    scalars.replaceSubrange(index...index, with: CollectionOfOne(replacement))
    return String(scalars)
}

extension YAMLSyntaxError {
    init(_ error: any Error, in source: SourceText) {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let position = SourcePosition(mark)
            let whole = context.map { "\($0.text): \(problem)" } ?? problem
            let words = SyntaxHint.hint(for: whole, in: source, at: position) ?? whole
            self.init(message: "not valid YAML: \(words)", position: position)
        case .reader(let problem, let offset, _, _):
            let index = source.text.index(
                source.text.startIndex, offsetBy: offset ?? 0, limitedBy: source.text.endIndex)
            self.init(
                message: "not valid YAML: \(problem)",
                position: source.position(of: index ?? source.text.endIndex))
        default:
            self.init(message: "not valid YAML: \(error)", position: SourcePosition(line: 1, column: 1))
        }
    }
}

extension SourcePosition {
    /// Marks of the library count from 1; 0 means that it does not know the position.
    init(_ mark: Mark) {
        self.init(line: max(1, mark.line), column: max(1, mark.column))
    }
}
