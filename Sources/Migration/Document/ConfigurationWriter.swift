/// Writes a configuration as YAML, in the layout of `isagate fmt`, with the origin of each line as a comment.
package struct ConfigurationWriter {
    private var lines: [String] = []

    /// The text of a configuration.
    ///
    /// - Parameters:
    ///   - header: lines of a comment at the beginning.
    ///   - footer: lines of a comment at the end.
    package static func text(of section: ConfigurationSection, header: [String], footer: [String] = []) -> String {
        var writer = Self()
        writer.lines = comment(header)
        for entry in section.entries {
            if !writer.lines.isEmpty { writer.lines.append("") }
            writer.write(entry, indentation: "")
        }
        if !footer.isEmpty { writer.lines += [""] + comment(footer) }
        return writer.lines.joined(separator: "\n") + "\n"
    }

    private static func comment(_ lines: [String]) -> [String] {
        lines.map { $0.isEmpty ? "#" : "# \(printable($0))" }
    }

    private mutating func write(_ entry: ConfigurationSection.Entry, indentation: String) {
        let comment = "  # " + Self.printable(entry.origin.comment)
        let key = indentation + Self.scalar(entry.key) + ":"
        let deeper = Self.withoutDash(indentation) + "  "
        switch entry.value {
        case .text(let text): lines.append("\(key) \(Self.scalar(text))\(comment)")
        case .texts(let texts): lines.append("\(key) [\(texts.map(Self.scalar).joined(separator: ", "))]\(comment)")
        case .defaults: lines.append("\(key) {}\(comment)")
        case .section(let section) where section.isEmpty: lines.append("\(key) {}\(comment)")
        case .section(let section):
            lines.append(key + comment)
            for entry in section.entries { write(entry, indentation: deeper) }
        case .sections(let sections):
            lines.append(key + comment)
            for section in sections {
                for (index, entry) in section.entries.enumerated() {
                    write(entry, indentation: deeper + (index == 0 ? "- " : "  "))
                }
            }
        }
    }

    /// Entries below the first one of a list's item begin where that one does.
    private static func withoutDash(_ indentation: String) -> String {
        indentation.hasSuffix("- ") ? indentation.dropLast(2) + "  " : indentation
    }

    /// A scalar as it is, or in double quotes where YAML would read something else.
    ///
    /// `${` would be a variable of the environment.
    static func scalar(_ text: String) -> String {
        if isPlain(text) { return text }
        var quoted = "\""
        for scalar in text.replacing("${", with: "$${").unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                quoted += "\\x" + hexadecimal(scalar.value)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func isPlain(_ text: String) -> Bool {
        let reserved = ["null", "yes", "no", "y", "n"]
        guard let first = text.utf8.first, isLetterOrDigit(first) || first == UInt8(ascii: "/") else { return false }
        // Words and whole numbers need no quotes; a version such as 1.2 is a text.
        if isDigit(first), !text.utf8.allSatisfy(isLetterOrDigit) { return false }
        if isDigit(first), text.utf8.contains(where: { !isDigit($0) }), !isQuantity(text) { return false }
        return !reserved.contains(text.lowercased())
            && text.utf8.allSatisfy { isLetterOrDigit($0) || "/._-+".utf8.contains($0) }
    }

    /// Digits and a unit, such as `10s`; not a number with an exponent.
    private static func isQuantity(_ text: String) -> Bool {
        ["ms", "s", "m", "h", "d", "K", "M", "G", "T"].contains(String(text.drop { $0.isNumber }))
    }

    /// A text in one line of a comment.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        (value < 16 ? "0" : "") + String(value, radix: 16)
    }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}
