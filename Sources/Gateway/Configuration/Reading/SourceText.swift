/// A text that is addressed by line and column, with the line endings of YAML (YAML 1.1 §4.2).
struct SourceText: Sendable, Equatable {
    let text: String
    private let lines: [Range<String.Index>]

    init(_ text: String) {
        self.text = text
        var lines: [Range<String.Index>] = []
        let scalars = text.unicodeScalars
        var start = scalars.startIndex
        var index = start
        while index < scalars.endIndex {
            var next = scalars.index(after: index)
            if Self.breaks.contains(scalars[index]) {
                lines.append(start..<index)
                if scalars[index] == "\r", next < scalars.endIndex, scalars[next] == "\n" {
                    next = scalars.index(after: next)
                }
                start = next
            }
            index = next
        }
        lines.append(start..<scalars.endIndex)
        self.lines = lines
    }

    private static let breaks: Set<Unicode.Scalar> = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]

    /// A line as it may be shown to a person.
    struct Excerpt {
        /// Safe to print; `…` marks text that was cut off at either end.
        var text: String
        /// The number of scalars of the text before the position.
        var indent: Int
    }

    /// The line of a position, or `width` scalars of it around the position; nil when there is no such line.
    func excerpt(around position: SourcePosition, width: Int) -> Excerpt? {
        guard lines.indices.contains(position.line - 1), position.column > 0 else { return nil }
        let line = text.unicodeScalars[lines[position.line - 1]]
        let focus =
            line.index(line.startIndex, offsetBy: position.column - 1, limitedBy: line.endIndex) ?? line.endIndex
        var first = line.index(focus, offsetBy: -width / 2, limitedBy: line.startIndex) ?? line.startIndex
        let end = line.index(first, offsetBy: width, limitedBy: line.endIndex) ?? line.endIndex
        if end == line.endIndex {
            first = line.index(end, offsetBy: -width, limitedBy: line.startIndex) ?? line.startIndex
        }
        let shown = line[first..<end].map { $0 == "\t" ? "\t" : printable($0) }.joined()
        let before = first == line.startIndex ? "" : "…"
        return Excerpt(
            text: before + shown + (end == line.endIndex ? "" : "…"),
            indent: before.unicodeScalars.count + line.distance(from: first, to: focus))
    }

    /// A line without its end, counted from 1; nil when there is none.
    func line(_ number: Int) -> String? {
        lines.indices.contains(number - 1) ? String(text[lines[number - 1]]) : nil
    }

    func scalar(at position: SourcePosition) -> Unicode.Scalar? {
        index(of: position).map { text.unicodeScalars[$0] }
    }

    /// The index of the scalar at a position, or nil when the line is shorter.
    func index(of position: SourcePosition) -> String.Index? {
        guard lines.indices.contains(position.line - 1), position.column > 0 else { return nil }
        let line = lines[position.line - 1]
        let index = text.unicodeScalars.index(
            line.lowerBound, offsetBy: position.column - 1, limitedBy: line.upperBound)
        guard let index, index < line.upperBound else { return nil }
        return index
    }

    /// The position of an index of the text.
    func position(of index: String.Index) -> SourcePosition {
        let number = lines.lastIndex { $0.lowerBound <= index } ?? 0
        let column = text.unicodeScalars.distance(from: lines[number].lowerBound, to: index) + 1
        return SourcePosition(line: number + 1, column: column)
    }
}
