/// Puts lines together with the indentation that their level has.
struct LineLayout {
    private struct Level {
        enum Kind {
            case mapping, sequence
        }

        let old: Int
        let new: Int
        let kind: Kind
    }

    private static let step = 2

    private var levels: [Level] = []
    private var output: [String] = []
    /// Comments and empty lines in front of the next line of the structure; nil for an empty line.
    private var waiting: [(indent: Int, text: String)?] = []
    /// By how much lines of the value that began last move to the right.
    private var shift = 0

    /// - Parameter isAligned: whether the value stands below or above another one.
    mutating func add(_ line: TextLine, isAligned: Bool) {
        switch line {
        case .blank: if waiting.last.map({ $0 != nil }) ?? true { waiting.append(nil) }
        case .comment(let indent, let text): waiting.append((indent, text))
        case .marker(let text):
            flushWaiting(before: 0, at: 0, levels)
            levels = []
            output.append(text)
        case .continuation(let text): addContinuation(text)
        case .structure(let indent, let dashes, let kind, let text):
            addStructure(indent, dashes, kind, LineText.spaced(text[...], kind, isAligned: isAligned))
        }
    }

    /// The whole text.
    var finished: String {
        var copy = self
        while copy.waiting.last.map({ $0 == nil }) == true { copy.waiting.removeLast() }
        copy.flushWaiting(before: -1, at: 0, levels)
        return copy.output.isEmpty ? "" : copy.output.joined(separator: "\n") + "\n"
    }

    private mutating func addContinuation(_ text: String) {
        // It belongs to a value, so that nothing can wait in front of it but empty lines of that value.
        output += waiting.map { $0.map(\.text) ?? "" }
        waiting = []
        let spaces = text.prefix { $0 == " " }.count
        let content = text.dropFirst(spaces)
        output.append(
            content.isEmpty && spaces + shift <= 0
                ? "" : String(repeating: " ", count: max(0, spaces + shift)) + content)
    }

    private mutating func addStructure(_ indent: Int, _ dashes: [Int], _ kind: TextLine.Kind, _ text: String) {
        let before = levels
        let first = dashes.first ?? indent
        var position = enter(first, dashes.isEmpty ? (kind == .key ? .mapping : nil) : .sequence)
        flushWaiting(before: first, at: position, before)
        var line = String(repeating: " ", count: position)
        for index in dashes.indices {
            line += "- "
            position += Self.step
            if index + 1 < dashes.count {
                levels.append(Level(old: dashes[index + 1], new: position, kind: .sequence))
            } else if kind == .key {
                levels.append(Level(old: indent, new: position, kind: .mapping))
            }
        }
        shift = position - indent
        output.append((line + text).withoutSpacesAtEnd)
    }

    /// Leaves the levels that end before a line, and enters that of the line.
    ///
    /// - Parameter kind: nil for a value on a line of its own, which has no further lines.
    /// - Returns: the new indentation.
    private mutating func enter(_ indent: Int, _ kind: Level.Kind?) -> Int {
        while let top = levels.last, top.old > indent || top.old == indent && top.kind == .sequence && kind == .mapping
        {
            levels.removeLast()
        }
        guard let top = levels.last else {
            if let kind { levels.append(Level(old: indent, new: 0, kind: kind)) }
            return 0
        }
        if top.old == indent, top.kind == kind { return top.new }
        let new = top.new + Self.step
        if let kind { levels.append(Level(old: indent, new: new, kind: kind)) }
        return new
    }

    /// - Parameters:
    ///   - indent: the old indentation of the line that follows; -1 at the end.
    ///   - levels: those in front of it.
    private mutating func flushWaiting(before indent: Int, at new: Int, _ levels: [Level]) {
        for line in waiting {
            guard let (old, text) = line else {
                if !output.isEmpty { output.append("") }
                continue
            }
            var position = new
            if old != indent {
                let level = levels.first { $0.old == old } ?? levels.last { $0.old < old }
                position = level.map { $0.old == old ? $0.new : $0.new + Self.step } ?? 0
            }
            output.append(String(repeating: " ", count: position) + text)
        }
        waiting = []
    }

    /// Where the key of a line ends: at the colon. Nil for a line without a key.
    static func endOfKey(in text: Substring) -> Substring.Index? {
        var start = text.startIndex
        if let first = text.first {
            if "{[#&*!|>%@`?".contains(first) { return nil }
            if first == "\"" || first == "'" {
                var scan = ValueScan()
                start = scan.scan(text)
                guard start < text.endIndex, text[start] == ":" else { return nil }
            }
        }
        var index = start
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next == text.endIndex || text[next] == " " { return index }
            if text[index] == "#", index > text.startIndex, text[text.index(before: index)] == " " { return nil }
            index = next
        }
        return nil
    }
}
