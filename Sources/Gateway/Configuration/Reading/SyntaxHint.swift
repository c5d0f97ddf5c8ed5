/// What a text that the YAML library cannot parse was probably meant to be, in the gateway's words.
///
/// The library stops at the first unexpected character and names what its grammar requires there; the usual causes are
/// a few common mistakes.
enum SyntaxHint {
    /// - Parameters:
    ///   - problem: the library's message.
    ///   - position: where it stopped.
    /// - Returns: nil if the library's message has to be used.
    static func hint(for problem: String, in source: SourceText, at position: SourcePosition) -> String? {
        let line = source.line(position.line) ?? ""
        // At the end of an unfinished line the library reports the next one.
        if let text = unquotedAddress(in: line) ?? source.line(position.line - 1).flatMap(unquotedAddress) {
            return "an address in brackets needs quotes: \"\(text)\""
        }
        if problem.contains("alias") {
            let word = unquotedWord(in: line, beginningWith: "*") ?? "*"
            return "a star begins the name of an alias; a text that begins with one needs quotes: \"\(word)\""
        }
        if problem.contains("anchor") {
            let word = unquotedWord(in: line, beginningWith: "&") ?? "&"
            return "'&' begins the name of an anchor; a text that begins with one needs quotes: \"\(word)\""
        }
        if problem.contains("tab character") || source.scalar(at: position) == "\t" {
            return "a tab does not separate anything in YAML; write spaces"
        }
        if problem.contains("cannot start any token"), let mark = source.scalar(at: position) {
            let word = unquotedWord(in: line, beginningWith: String(mark)) ?? String(mark)
            return "a text that begins with '\(printable(mark))' needs quotes: \"\(word)\""
        }
        if problem.contains("mapping values are not allowed") {
            return "there is a second ': ' where one value is expected; a text that has one needs quotes"
        }
        return nil
    }

    /// `[::1]:8443`, `[::]` or the like outside quotes.
    private static func unquotedAddress(in line: String) -> String? {
        let bytes = Array(unquoted(line).utf8)
        for start in bytes.indices where bytes[start] == UInt8(ascii: "[") {
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "]")) else { continue }
            let inside = bytes[(start + 1)..<end]
            let isAddress =
                inside.count(where: { $0 == UInt8(ascii: ":") }) >= 2
                && inside.allSatisfy { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || isHexadecimal($0) }
            guard isAddress else { continue }
            let port = bytes[(end + 1)...].prefix { isDigit($0) || $0 == UInt8(ascii: ":") }
            return String(decoding: bytes[start...end] + port, as: UTF8.self)
        }
        return nil
    }

    /// An unquoted word at the beginning of a value, up to the character that ends it in a list or a mapping.
    private static func unquotedWord(in line: String, beginningWith mark: String) -> String? {
        let text = unquoted(line)
        var index = text.startIndex
        var isBehindSpace = true
        while index < text.endIndex {
            if isBehindSpace, text[index...].hasPrefix(mark) {
                let word = text[index...].prefix { !" ,]}\t".contains($0) }
                return String(word)
            }
            isBehindSpace = " ,[{\t".contains(text[index])
            index = text.index(after: index)
        }
        return nil
    }

    /// The line with quoted text and its comment replaced by spaces.
    private static func unquoted(_ line: String) -> String {
        var quote: Character?
        var result = ""
        for character in line {
            if quote == nil, character == "#", result.last.map({ $0 == " " }) ?? true { break }
            if let open = quote {
                if character == open { quote = nil }
                result.append(" ")
            } else if character == "\"" || character == "'" {
                quote = character
                result.append(" ")
            } else {
                result.append(character)
            }
        }
        return result
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) &- 0x61 < 6
    }
}
