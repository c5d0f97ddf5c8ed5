/// A position in a file: line and column from 1, the column counted in Unicode scalars.
package struct SourcePosition: Sendable, Hashable, Comparable {
    package var line: Int
    package var column: Int

    package static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One mistake in a configuration file.
package struct Diagnostic: Sendable, Hashable {
    /// The file as the user named it.
    package var file: String
    /// Nil when the mistake concerns the whole file.
    package var position: SourcePosition?
    package var message: String
    /// The name that was probably intended.
    package var suggestion: String?
}

/// Every mistake found in a configuration file, in file order.
package struct ConfigurationErrors: Error, Sendable, Equatable {
    package let diagnostics: [Diagnostic]
    private let source: SourceText

    init(_ diagnostics: [Diagnostic], in source: SourceText) {
        self.source = source
        let start = SourcePosition(line: 0, column: 0)
        var seen = Set<Diagnostic>()
        self.diagnostics = diagnostics.filter { seen.insert($0).inserted }
            .sorted { ($0.position ?? start, $0.message) < ($1.position ?? start, $1.message) }
    }

    /// A file that cannot be used as a whole, and the reason.
    init(file: String, message: String) {
        self.init([Diagnostic(file: file, position: nil, message: message)], in: SourceText(""))
    }

    /// Diagnostics as a compiler prints them: `file:line:column: error: text`, the source line, a caret; up to a
    /// limited number.
    package var description: String {
        let shown = diagnostics.prefix(Self.shownDiagnostics).map(render).joined()
        let others = diagnostics.count - Self.shownDiagnostics
        return others > 0 ? shown + "and \(others) more errors\n" : shown
    }

    private static let shownDiagnostics = 100
    /// A JSON document, which is YAML too, may be a single line.
    private static let excerptWidth = 100

    private func render(_ diagnostic: Diagnostic) -> String {
        let suggestion = diagnostic.suggestion.map { "; did you mean \(quoted($0))?" } ?? ""
        let text = "error: \(diagnostic.message)\(suggestion)\n"
        guard let position = diagnostic.position else { return "\(diagnostic.file): \(text)" }
        let headline = "\(diagnostic.file):\(position.line):\(position.column): \(text)"
        guard let excerpt = source.excerpt(around: position, width: Self.excerptWidth) else { return headline }
        return headline + excerpt.text + "\n" + caretLine(under: excerpt)
    }

    /// Tabs of the source line are repeated, so that the caret is in the right column whatever their width.
    private func caretLine(under excerpt: SourceText.Excerpt) -> String {
        let before = excerpt.text.unicodeScalars.prefix(excerpt.indent)
        return before.map { $0 == "\t" ? "\t" : " " }.joined() + "^\n"
    }
}

extension ConfigurationErrors: CustomStringConvertible {}

/// Text from the file in a form for messages: between quotation marks, shortened when long, with no terminal control
/// characters.
func quoted(_ text: String) -> String {
    let longest = 60
    let shown = text.unicodeScalars.prefix(longest).map(printable).joined()
    return "'" + shown + (text.unicodeScalars.count > longest ? "…" : "") + "'"
}

func printable(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
    default: String(scalar)
    }
}
