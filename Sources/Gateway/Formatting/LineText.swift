/// The spaces and quotes within a line.
enum LineText {
    /// The column of the value of a line with a key, behind the spaces of the line's indentation; nil without one.
    static func valueColumn(_ line: TextLine) -> [Int]? {
        guard case .structure(let indent, _, .key, let text) = line, let colon = LineLayout.endOfKey(in: text[...])
        else {
            return nil
        }
        let rest = text[text.index(after: colon)...]
        let value = rest.drop { $0 == " " }
        return value.isEmpty || value.first == "#" ? nil : [indent, text.count - value.count]
    }

    /// A line from its first character on, with one space behind the colon of its key.
    ///
    /// - Parameter isAligned: keeps the spaces there.
    static func spaced(_ text: Substring, _ kind: TextLine.Kind, isAligned: Bool) -> String {
        guard kind == .key, let colon = LineLayout.endOfKey(in: text) else { return value(text) }
        let rest = text[text.index(after: colon)...]
        let content = rest.drop { $0 == " " }
        let keepsSpaces = isAligned || content.first == "#"
        let spaces = content.isEmpty ? "" : keepsSpaces ? String(rest.prefix { $0 == " " }) : " "
        return "\(text[..<colon]):\(spaces)\(value(content))"
    }

    /// A value with what follows it on its line.
    private static func value(_ text: Substring) -> String {
        guard let first = text.first, "{[\"'".contains(first) else { return String(text) }
        var scan = ValueScan()
        let end = scan.scan(text)
        // A value of several lines stays as it is.
        guard !scan.isOpen else { return String(text) }
        let whole = text[..<end]
        return (first == "{" || first == "[" ? flow(whole) : requoted(whole)) + text[end...]
    }

    /// `'x'` as `"x"` where both mean the same.
    private static func requoted(_ text: Substring) -> String {
        guard text.first == "'", text.count >= 2 else { return String(text) }
        let inner = text.dropFirst().dropLast()
        guard inner.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !inner.contains(where: { "\\\"'".contains($0) })
        else {
            return String(text)
        }
        return "\"\(inner)\""
    }

    /// Brackets on one line: `{ a: 1, b: [2, 3] }`.
    private static func flow(_ text: Substring) -> String {
        var output = ""
        var rest = text
        while let character = rest.first {
            switch character {
            case "{":
                rest = rest.dropFirst().drop { $0 == " " }
                output += rest.first == "}" ? "{" : "{ "
            case "[":
                output += "["
                rest = rest.dropFirst().drop { $0 == " " }
            case "}", "]":
                output = output.withoutSpacesAtEnd
                output += character == "}" && !output.hasSuffix("{") ? " }" : String(character)
                rest = rest.dropFirst()
            case ",":
                output = output.withoutSpacesAtEnd + ", "
                rest = rest.dropFirst().drop { $0 == " " }
            case "\"", "'":
                var scan = ValueScan()
                let end = scan.scan(rest)
                output += requoted(rest[..<end])
                rest = rest[end...]
                if rest.hasPrefix(":") { output += colon(&rest) }
            case " ":
                // What follows is a bracket, a comma, or a text that goes on.
                output += " "
                rest = rest.dropFirst()
            default:
                output += plain(&rest)
            }
        }
        return output
    }

    /// A text without quotes within brackets, with its colon if it is a key.
    private static func plain(_ rest: inout Substring) -> String {
        var text = ""
        while let character = rest.first, !"{}[],".contains(character) {
            if character == ":", rest.dropFirst().first.map({ " {}[],".contains($0) }) ?? true {
                return text + colon(&rest)
            }
            text.append(character)
            rest = rest.dropFirst()
        }
        return text
    }

    private static func colon(_ rest: inout Substring) -> String {
        rest = rest.dropFirst().drop { $0 == " " }
        return rest.first.map { "},]".contains($0) } ?? true ? ":" : ": "
    }
}
