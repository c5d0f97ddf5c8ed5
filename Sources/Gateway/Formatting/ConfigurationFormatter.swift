import Yams

/// Lays out the text of a configuration: two spaces for each level, one space behind colons and dashes, brackets as in
/// `{ a: 1 }` and `[1, 2]`, double quotes, single empty lines, no spaces at the ends of lines.
///
/// Values that stand below each other stay so. Comments and everything else stay where they are. A text is laid out
/// line by line, because the YAML library keeps no comments; the result is parsed and has to have the same content.
package enum ConfigurationFormatter {
    package enum Failure: Error, Equatable {
        /// With every mistake.
        case invalid(String)
        /// YAML that no configuration needs and that is not laid out.
        case unsupported(String)

        package var message: String {
            switch self {
            case .invalid(let text), .unsupported(let text): text
            }
        }
    }

    /// - Parameter file: for messages.
    package static func format(_ text: String, file: String) throws(Failure) -> String {
        let before = try parse(text, file)
        var layout = LineLayout()
        var reader = LineReader()
        let lines = lines(of: text).map { reader.read($0) }
        let columns = lines.map(LineText.valueColumn)
        for (index, line) in lines.enumerated() {
            let neighbours = [index - 1, index + 1].filter(lines.indices.contains)
            layout.add(line, isAligned: neighbours.contains { columns[index] != nil && columns[$0] == columns[index] })
        }
        let formatted = layout.finished
        guard let after = try? parse(formatted, file), before.isSame(as: after) else {
            throw .unsupported("\(file): error: the file has YAML whose layout cannot be changed without a risk")
        }
        return formatted
    }

    private static func lines(of text: String) -> [String] {
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
        // Behind the end of the last line there is no other.
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func parse(_ text: String, _ file: String) throws(Failure) -> ParsedText {
        let source = SourceText(text)
        do throws(YAMLSyntaxError) {
            let document = try YAMLDocument(source)
            if let (position, name) = document.repeatedKeys.min(by: { $0.key < $1.key }) {
                throw YAMLSyntaxError(message: "duplicate key \(quoted(name))", position: position)
            }
            return ParsedText(root: document.root)
        } catch {
            let diagnostic = Diagnostic(file: file, position: error.position, message: error.message)
            throw .invalid(ConfigurationErrors([diagnostic], in: source).description)
        }
    }
}

/// The content of a text, by which the decoder of configurations decides.
private struct ParsedText {
    let root: Node?

    func isSame(as other: ParsedText) -> Bool {
        switch (root, other.root) {
        case (nil, nil): true
        case (let one?, let other?): Self.isSame(one, other)
        default: false
        }
    }

    private static func isSame(_ one: Node, _ other: Node) -> Bool {
        switch (one, other) {
        case (.scalar(let one), .scalar(let other)):
            // Whether a text is in quotes can matter, and which quotes it has cannot.
            one.string == other.string && (one.style == .plain) == (other.style == .plain)
        case (.sequence(let one), .sequence(let other)):
            one.count == other.count && zip(one, other).allSatisfy(isSame)
        case (.mapping(let one), .mapping(let other)):
            one.count == other.count
                && zip(one, other).allSatisfy { isSame($0.key, $1.key) && isSame($0.value, $1.value) }
        case (.alias, .alias): true
        default: false
        }
    }
}
