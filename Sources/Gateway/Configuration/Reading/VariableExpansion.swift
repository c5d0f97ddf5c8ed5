import Yams

/// Replaces `${NAME}` in the values of a file by environment variables; `$${` is a literal `${`.
///
/// It works on values that have been parsed, so that the content of a variable is never parsed as YAML. Keys are not
/// changed.
struct VariableExpansion {
    /// The value of an environment variable; nil for one that is not set.
    let value: (String) -> String?
    private let context: DecodingContext

    init(_ context: DecodingContext, value: @escaping (String) -> String?) {
        self.context = context
        self.value = value
    }

    /// A name according to POSIX: letters, digits and underscores, no digit first.
    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !isDigit(first) else { return false }
        return text.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") || ($0 | 0x20) &- 0x61 < 26 }
    }

    /// The same node with its variables replaced; a variable that cannot be replaced is reported and kept.
    func expand(_ node: Node) -> Node {
        switch node {
        case .scalar(var scalar):
            guard scalar.string.contains("${") else { return node }
            scalar.string = expand(scalar.string, at: node.position)
            return .scalar(scalar)
        case .sequence(let sequence):
            return .sequence(Node.Sequence(sequence.map(expand), sequence.tag, sequence.style, sequence.mark))
        case .mapping(let mapping):
            return .mapping(
                Node.Mapping(mapping.map { ($0.key, expand($0.value)) }, mapping.tag, mapping.style, mapping.mark))
        case .alias: return node
        }
    }

    private func expand(_ text: String, at position: SourcePosition) -> String {
        var expanded = ""
        var mistakes: [String] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            let literal = rest[..<start.lowerBound]
            expanded += literal
            let inner = rest[start.upperBound...]
            if literal.hasSuffix("$") {
                expanded += "{"
                rest = inner
                continue
            }
            guard let end = inner.firstIndex(of: "}"), Self.isName(inner[..<end]) else {
                mistakes.append(
                    "expected the name of an environment variable and '}' behind '${'; '$${' stands for '${' itself")
                break
            }
            let name = String(inner[..<end])
            if let value = value(name) {
                expanded += value
            } else {
                mistakes.append("the environment variable \(quoted(name)) is not set")
            }
            rest = inner[inner.index(after: end)...]
        }
        if !mistakes.isEmpty { context.reportUnreadable(mistakes, at: position) }
        return expanded + rest
    }
}
