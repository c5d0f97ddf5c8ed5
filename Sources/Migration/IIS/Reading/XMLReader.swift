/// An element of an XML file, with what the configuration of IIS needs of XML.
struct XMLElement {
    struct Attribute {
        var id: Int
        var name: String
        var value: String
        var place: Place
    }

    var id: Int
    var name: String
    var attributes: [Attribute]
    var children: [XMLElement] = []
    var place: Place

    /// Values that no report repeats.
    static func isSecret(_ name: String) -> Bool {
        ["password", "connectionString", "validationKey", "decryptionKey"].contains(name)
    }

    subscript(name: String) -> String? { attributes.first { $0.name == name }?.value }

    func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The element at a path such as `security/requestFiltering`.
    func descendant(_ path: String) -> XMLElement? {
        path.split(separator: "/").reduce(Optional(self)) { $0?.child(String($1)) }
    }

    var item: Ledger.Item {
        let words = attributes.map { " \($0.name)=\"\(Self.isSecret($0.name) ? "…" : $0.value.prefix(40))\"" }.joined()
        let label = "<\(name)\(words)>"
        return Ledger.Item(id: id, place: place, label: label.count > 90 ? label.prefix(89) + "…" : label)
    }

    var origin: Origin { .place(place) }
}

/// Reads XML strictly: elements, attributes, comments, CDATA and the predefined entities. A document type, which could
/// define others, is refused.
struct XMLReader {
    private let text: [UInt8]
    private let file: String
    private var index = 0
    private var line = 1
    private var lineStart = 0
    private var count: Int

    /// - Parameter firstID: elements and attributes are numbered from here on.
    init(_ bytes: [UInt8], file: String, firstID: Int) throws(MigrationError) {
        self.file = file
        count = firstID
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            let isLittle = bytes[0] == 0xFF
            let units = stride(from: 2, to: bytes.count - 1, by: 2).map { at in
                isLittle
                    ? UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8 : UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1])
            }
            text = Array(String(decoding: units, as: UTF16.self).utf8)
        } else {
            let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
            // Older tools write Windows-1252 in comments; names and values that matter are ASCII.
            text = Array(String(decoding: content, as: UTF8.self).utf8)
        }
    }

    /// The root element, and the number behind the last one.
    mutating func read() throws(MigrationError) -> (root: XMLElement, nextID: Int) {
        try skipBetween()
        guard current == UInt8(ascii: "<") else { throw failure("expected an element") }
        let root = try element(depth: 0)
        try skipBetween()
        guard current == nil else { throw failure("expected the end of the file behind the root element") }
        return (root, count)
    }

    private var current: UInt8? { index < text.count ? text[index] : nil }

    private func starts(with words: String) -> Bool { text[index...].starts(with: words.utf8) }

    private mutating func advance(_ steps: Int = 1) {
        for _ in 0..<steps where index < text.count {
            if text[index] == UInt8(ascii: "\n") {
                line += 1
                lineStart = index + 1
            }
            index += 1
        }
    }

    private func failure(_ message: String) -> MigrationError {
        MigrationError(file: file, line: line, column: index - lineStart + 1, message: message)
    }

    private mutating func skipSpace() {
        while let byte = current, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { advance() }
    }

    private mutating func skip(past end: String, _ what: String) throws(MigrationError) {
        let beginning = failure("\(what) has no end")
        while index < text.count, !starts(with: end) { advance() }
        guard index < text.count else { throw beginning }
        advance(end.utf8.count)
    }

    /// White space, comments and processing instructions.
    private mutating func skipBetween() throws(MigrationError) {
        while true {
            skipSpace()
            if starts(with: "<!--") {
                try skip(past: "-->", "the comment")
            } else if starts(with: "<?") {
                try skip(past: "?>", "the instruction")
            } else if starts(with: "<!DOCTYPE") {
                throw failure("a document type is not read")
            } else {
                return
            }
        }
    }

    private mutating func name() throws(MigrationError) -> String {
        let start = index
        while let byte = current, isLetterOrDigit(byte) || "-_.:".utf8.contains(byte) || byte >= 0x80 { advance() }
        guard index > start else { throw failure("expected a name") }
        return String(decoding: text[start..<index], as: UTF8.self)
    }

    private mutating func number() throws(MigrationError) -> Int {
        count += 1
        guard count <= SourceLimit.items else {
            throw failure("more than \(SourceLimit.items) elements and attributes")
        }
        return count
    }

    private mutating func element(depth: Int) throws(MigrationError) -> XMLElement {
        guard depth <= SourceLimit.depth else {
            throw failure("elements are nested more than \(SourceLimit.depth) deep")
        }
        let place = Place(file: file, line: line)
        advance()
        var element = XMLElement(id: try number(), name: try name(), attributes: [], place: place)
        while true {
            skipSpace()
            if starts(with: "/>") {
                advance(2)
                return element
            }
            if current == UInt8(ascii: ">") {
                advance()
                break
            }
            let attribute = try attribute()
            guard element[attribute.name] == nil else {
                throw failure("the attribute '\(attribute.name)' is there twice")
            }
            element.attributes.append(attribute)
        }
        while true {
            guard let byte = current else { throw failure("the file ends inside of <\(element.name)>") }
            if byte != UInt8(ascii: "<") {
                advance()
            } else if starts(with: "<![CDATA[") {
                try skip(past: "]]>", "the text")
            } else if starts(with: "<!--") || starts(with: "<?") {
                try skipBetween()
            } else if starts(with: "</") {
                advance(2)
                let end = try name()
                guard end == element.name else { throw failure("expected </\(element.name)>, found </\(end)>") }
                skipSpace()
                guard current == UInt8(ascii: ">") else { throw failure("expected '>'") }
                advance()
                return element
            } else {
                element.children.append(try self.element(depth: depth + 1))
            }
        }
    }

    private mutating func attribute() throws(MigrationError) -> XMLElement.Attribute {
        let place = Place(file: file, line: line)
        let id = try number()
        let name = try name()
        skipSpace()
        guard current == UInt8(ascii: "=") else { throw failure("expected '=' behind '\(name)'") }
        advance()
        skipSpace()
        guard let quote = current, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw failure("expected a value in quotation marks")
        }
        advance()
        var value: [UInt8] = []
        while let byte = current, byte != quote {
            guard byte != UInt8(ascii: "<") else { throw failure("'<' in a value") }
            if byte == UInt8(ascii: "&") {
                value += try entity()
            } else {
                value.append(byte)
                advance()
            }
        }
        guard current != nil else { throw failure("the quotation mark has no partner") }
        advance()
        var text = String(decoding: value, as: UTF8.self)
        // Words of truth are written in either case.
        if ["True", "False", "TRUE", "FALSE"].contains(text) { text = text.lowercased() }
        return XMLElement.Attribute(id: id, name: name, value: text, place: place)
    }

    private mutating func entity() throws(MigrationError) -> [UInt8] {
        let end = text[index...].prefix(12).firstIndex(of: UInt8(ascii: ";"))
        guard let end else { throw failure("'&' begins an entity, which ends with ';'") }
        let name = String(decoding: text[(index + 1)..<end], as: UTF8.self)
        let known = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
        var found = known[name]
        if name.hasPrefix("#") {
            let code = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
            found = code.flatMap { Unicode.Scalar($0) }.map { String(Character($0)) }
        }
        guard let found else { throw failure("unknown entity '&\(name);'") }
        advance(end + 1 - index)
        return Array(found.utf8)
    }
}
