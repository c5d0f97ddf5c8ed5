/// The words of nginx's configuration syntax.
///
/// Words are separated by white space; `;`, `{` and `}` end directives and blocks; quotation marks keep a word together;
/// a number sign at the beginning of a word begins a comment. A backslash protects quotation marks and backslashes, and
/// stays in front of everything else, as expressions need it.
struct NginxLexer {
    enum Token: Equatable {
        case word(String)
        case semicolon, open, close, end
    }

    private let bytes: [UInt8]
    private let file: String
    private var index = 0
    private(set) var line = 1
    private var lineStart = 0
    /// Where the last token began.
    private(set) var tokenLine = 1
    private(set) var tokenColumn = 1

    init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            index = 3
            lineStart = 3
        }
    }

    mutating func next() throws(MigrationError) -> Token {
        skipSpaceAndComments()
        (tokenLine, tokenColumn) = (line, index - lineStart + 1)
        guard let byte = current else { return .end }
        switch byte {
        case UInt8(ascii: ";"):
            advance()
            return .semicolon
        case UInt8(ascii: "{"):
            advance()
            return .open
        case UInt8(ascii: "}"):
            advance()
            return .close
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .word(try quotedWord(byte))
        default: return .word(plainWord())
        }
    }

    func failure(_ message: String) -> MigrationError {
        MigrationError(file: file, line: tokenLine, column: tokenColumn, message: message)
    }

    /// Skips a block of another language, whose words are not nginx's, behind its opening brace.
    mutating func skipForeignBlock() throws(MigrationError) {
        var depth = 1
        while let byte = current {
            advance()
            if byte == UInt8(ascii: "{") { depth += 1 }
            if byte == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return }
        }
        throw failure("the block that begins here has no end")
    }
}

extension NginxLexer {
    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func advance() {
        if bytes[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        index += 1
    }

    private mutating func skipSpaceAndComments() {
        while let byte = current {
            if byte == UInt8(ascii: "#") {
                while let byte = current, byte != UInt8(ascii: "\n") { advance() }
            } else if Self.isSpace(byte) {
                advance()
            } else {
                return
            }
        }
    }

    private mutating func quotedWord(_ quote: UInt8) throws(MigrationError) -> String {
        advance()
        var word: [UInt8] = []
        while let byte = current, byte != quote { appendByte(to: &word) }
        guard current != nil else { throw failure("the quotation mark has no partner") }
        advance()
        if let byte = current, !Self.isSpace(byte), !";{)".utf8.contains(byte) {
            (tokenLine, tokenColumn) = (line, index - lineStart + 1)
            throw failure("expected a space or ';' behind the quotation mark")
        }
        return String(decoding: word, as: UTF8.self)
    }

    private mutating func plainWord() -> String {
        var word: [UInt8] = []
        while let byte = current, !Self.isSpace(byte), byte != UInt8(ascii: ";") {
            if byte == UInt8(ascii: "{") {
                // `${name}` is a variable inside of a word.
                guard word.last == UInt8(ascii: "$") else { break }
            }
            appendByte(to: &word)
        }
        return String(decoding: word, as: UTF8.self)
    }

    /// Appends the current byte, or the one that a backslash protects.
    private mutating func appendByte(to word: inout [UInt8]) {
        let byte = bytes[index]
        advance()
        guard byte == UInt8(ascii: "\\"), let next = current else { return word.append(byte) }
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): word.append(next)
        case UInt8(ascii: "t"): word.append(0x09)
        case UInt8(ascii: "r"): word.append(0x0D)
        case UInt8(ascii: "n"): word.append(0x0A)
        default: word += [byte, next]
        }
        advance()
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
}
