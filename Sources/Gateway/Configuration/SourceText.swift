/// A text that is addressed by line and column, with lines ending where YAML says they do (YAML 1.1 §4.2).
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

    /// The text of a line, safe to print, or nil when there is no such line.
    func line(_ number: Int) -> String? {
        guard lines.indices.contains(number - 1) else { return nil }
        return text.unicodeScalars[lines[number - 1]].map { $0 == "\t" ? "\t" : printable($0) }.joined()
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
