/// A line of a text in YAML, with the part that it has in the structure.
enum TextLine: Equatable {
    case blank
    /// A line with nothing but a comment, and the number of spaces in front.
    case comment(indent: Int, String)
    /// A line that begins an element, a key or a value of its own.
    case structure(indent: Int, dashes: [Int], kind: Kind, String)
    /// A line within a value that began on an earlier one: it moves with that.
    case continuation(String)
    /// `---` and the like.
    case marker(String)

    enum Kind: Equatable {
        case key, value
    }
}

/// Reads the lines of a text and tells what each is, from the values that are open at its beginning.
struct LineReader {
    private enum Open: Equatable {
        case nothing
        /// Within brackets, quotes, or both.
        case value(ValueScan)
        /// A text without quotes goes on while lines stand further right than this.
        case plain(indent: Int)
        /// The same for a literal text, which may have empty lines and comments.
        case literal(indent: Int)
    }

    private var open = Open.nothing

    mutating func read(_ line: String) -> TextLine {
        let content = line.drop { $0 == " " }
        let indent = line.count - content.count
        switch open {
        case .value(var scan):
            scan.scan(content)
            open = scan.isOpen ? .value(scan) : .nothing
            return .continuation(line)
        case .literal(let own):
            if content.isEmpty || indent > own { return .continuation(line) }
        case .plain(let own):
            if content.isEmpty { break }
            if indent > own, !content.hasPrefix("#") { return .continuation(line.withoutSpacesAtEnd) }
        case .nothing: break
        }
        if content.allSatisfy(\.isWhitespace) { return .blank }
        open = .nothing
        if content.hasPrefix("#") { return .comment(indent: indent, String(content).withoutSpacesAtEnd) }
        if indent == 0, ["---", "...", "%"].contains(where: content.hasPrefix) {
            return .marker(line.withoutSpacesAtEnd)
        }
        return structure(String(content), indent)
    }

    private mutating func structure(_ content: String, _ indent: Int) -> TextLine {
        var dashes: [Int] = []
        var (rest, column) = (content[...], indent)
        while rest == "-" || rest.hasPrefix("- ") {
            dashes.append(column)
            let inner = rest.dropFirst().drop { $0 == " " }
            column += rest.count - inner.count
            rest = inner
        }
        guard let colon = LineLayout.endOfKey(in: rest) else {
            openValue(rest, at: dashes.last ?? indent - 1)
            return .structure(indent: column, dashes: dashes, kind: .value, String(rest))
        }
        openValue(rest[rest.index(after: colon)...].drop { $0 == " " }, at: column)
        return .structure(indent: column, dashes: dashes, kind: .key, String(rest))
    }

    /// - Parameter indent: of what the value belongs to.
    private mutating func openValue(_ value: Substring, at indent: Int) {
        switch value.first {
        case nil, "#": open = .nothing
        case "|", ">": open = .literal(indent: indent)
        case "{", "[", "\"", "'":
            var scan = ValueScan()
            scan.scan(value)
            open = scan.isOpen ? .value(scan) : .nothing
        default: open = .plain(indent: indent)
        }
    }
}

/// Follows brackets and quotes of a value over lines.
struct ValueScan: Equatable {
    private var depth = 0
    private var quote: Character?

    var isOpen: Bool { depth > 0 || quote != nil }

    /// - Returns: the end of the value in the line; the line's if it goes on.
    @discardableResult
    mutating func scan(_ line: Substring) -> Substring.Index {
        var index = line.startIndex
        // A quotation mark is one only where a text begins.
        var isBeginning = true
        while index < line.endIndex {
            let character = line[index]
            let next = line.index(after: index)
            if let open = quote {
                if character == "\\", open == "\"", next < line.endIndex {
                    index = line.index(after: next)
                    continue
                }
                if character == open {
                    if open == "'", next < line.endIndex, line[next] == "'" {
                        index = line.index(after: next)
                        continue
                    }
                    quote = nil
                    if depth == 0 { return next }
                }
            } else if character == "#", index == line.startIndex || line[line.index(before: index)].isWhitespace {
                return line.endIndex
            } else {
                switch character {
                case "\"", "'": if isBeginning { quote = character }
                case "{", "[": depth += 1
                case "}", "]":
                    depth -= 1
                    if depth == 0 { return next }
                default: break
                }
                isBeginning = "{[,:".contains(character) || character.isWhitespace && isBeginning
            }
            index = next
        }
        return line.endIndex
    }
}

extension String {
    var withoutSpacesAtEnd: String {
        String(reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
