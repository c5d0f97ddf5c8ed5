import HTTP
import Memory

/// The format of the lines of a log, prepared so that nothing is allocated for a line.
struct LineFormat: Sendable {
    private let pieces: [Piece]
    /// The bytes of all literal pieces.
    private let literals: [UInt8]
    /// The names of fields of requests, in lower case.
    private let names: [[UInt8]]
    let isJSON: Bool

    /// Literal bytes, then a value.
    struct Piece: BitwiseCopyable, Sendable {
        let literal: Slice
        /// Nil for the end of a line.
        let field: LogField.Kind?
        /// The index of the name of a request's field.
        let name: Int
        let escaping: LineEscaping
        let style: Style
    }

    enum Style: UInt8, BitwiseCopyable {
        /// `-` for an empty value.
        case text
        case jsonString, optionalJSONString
        /// Left out without a value.
        case jsonNumber
    }

    init(_ format: AccessLogConfiguration.Format) {
        var builder = Builder()
        switch format {
        case .combined: builder.appendTemplate(Self.combined)
        case .template(let pieces): builder.appendTemplate(pieces)
        case .w3c(let fields): builder.appendW3C(fields)
        case .json(let fields): builder.appendJSON(fields)
        }
        pieces = builder.pieces
        literals = builder.literals
        names = builder.names
        if case .json = format { isJSON = true } else { isJSON = false }
    }

    private static let combined: [LogTemplatePiece] = [
        .field(LogField(.client)), .literal(" - "), .field(LogField(.user)), .literal(" ["),
        .field(LogField(.commonTime)), .literal("] \""), .field(LogField(.request)), .literal("\" "),
        .field(LogField(.status)), .literal(" "), .field(LogField(.bytes)), .literal(" \""),
        .field(LogField(.referer)), .literal("\" \""), .field(LogField(.userAgent)), .literal("\""),
    ]

    // MARK: Lines

    func append(_ response: borrowing LoggedResponse, to line: inout OutputBuffer) {
        let start = line.count
        for piece in pieces {
            append(piece, to: &line) { line in
                if let field = piece.field { append(field, piece, response, to: &line) }
            }
        }
        end(start, &line)
    }

    /// A line without the values that are only known when a tunnel has ended.
    func begin(_ response: borrowing LoggedResponse) -> PendingLine {
        var parts: [(text: [UInt8], then: Piece?)] = []
        var text = OutputBuffer()
        for piece in pieces {
            if let field = piece.field, LogField(field).isKnownAtEnd {
                parts.append((Array(text.unsent), piece))
                text.removeAll()
                continue
            }
            append(piece, to: &text) { text in
                if let field = piece.field { append(field, piece, response, to: &text) }
            }
        }
        parts.append((Array(text.unsent), nil))
        return PendingLine(parts: parts)
    }

    func append(_ pending: PendingLine, _ end: borrowing TunnelEnd, to line: inout OutputBuffer) {
        let start = line.count
        for part in pending.parts {
            part.text.withBytes { line.append($0) }
            guard let piece = part.then, let field = piece.field else { continue }
            append(piece, to: &line) { end.append(field, to: &$0) }
        }
        self.end(start, &line)
    }

    private func end(_ start: Int, _ line: inout OutputBuffer) {
        if isJSON {
            // Every key follows a comma, the first one a brace.
            if line.count > start {
                line.overwrite(at: start, count: 1) { $0[0] = UInt8(ascii: "{") }
            } else {
                line.append(UInt8(ascii: "{"))
            }
            line.append(UInt8(ascii: "}"))
        }
        line.append(UInt8(ascii: "\n"))
    }

    @inline(__always)
    private func append(_ piece: Piece, to line: inout OutputBuffer, value: (inout OutputBuffer) -> Void) {
        let start = line.count
        literals.withBytes { line.append($0[piece.literal.range]) }
        guard piece.field != nil else { return }
        let valueStart = line.count
        value(&line)
        let isEmpty = line.count == valueStart
        switch piece.style {
        case .text: if isEmpty { line.append(UInt8(ascii: "-")) }
        case .jsonString: line.append(UInt8(ascii: "\""))
        case .optionalJSONString:
            if isEmpty { line.removeLast(line.count - start) } else { line.append(UInt8(ascii: "\"")) }
        case .jsonNumber: if isEmpty { line.removeLast(line.count - start) }
        }
    }

    @inline(__always)
    private func append(
        _ field: LogField.Kind, _ piece: Piece, _ response: borrowing LoggedResponse, to line: inout OutputBuffer
    ) {
        if field == .requestField {
            response.appendField(named: names[piece.name], to: &line, piece.escaping)
        } else {
            response.append(field, to: &line, piece.escaping)
        }
    }

    // MARK: Preparation

    private struct Builder {
        var pieces: [Piece] = []
        var literals: [UInt8] = []
        var names: [[UInt8]] = []

        mutating func append(_ literal: String, _ field: LogField?, _ escaping: LineEscaping, _ style: Style) {
            let start = literals.count
            literals.append(contentsOf: literal.utf8)
            if field?.kind == .requestField { names.append(Array(field!.name.utf8)) }
            pieces.append(
                Piece(
                    literal: Slice(start, literals.count), field: field?.kind, name: names.count - 1,
                    escaping: escaping, style: style))
        }

        mutating func appendTemplate(_ template: [LogTemplatePiece]) {
            var literal = ""
            var isQuoted = false
            for piece in template {
                switch piece {
                case .literal(let text):
                    literal += text
                    if !text.filter({ $0 == "\"" }).count.isMultiple(of: 2) { isQuoted.toggle() }
                case .field(let field):
                    append(literal, field, isQuoted ? .quoted : .bare, .text)
                    literal = ""
                }
            }
            append(literal, nil, .bare, .text)
        }

        mutating func appendW3C(_ fields: [LogField]) {
            for (index, field) in fields.enumerated() {
                append(index == 0 ? "" : " ", field, index == 0 ? .w3cFirst : .w3c, .text)
            }
        }

        mutating func appendJSON(_ fields: [LogField]) {
            for field in fields {
                if field.isNumber {
                    append(",\"\(field.text)\":", field, .json, .jsonNumber)
                } else {
                    append(",\"\(field.text)\":\"", field, .json, field.isOptional ? .optionalJSONString : .jsonString)
                }
            }
        }
    }
}

/// A line that waits for the end of a tunnel: texts, each followed by a value that is not known yet.
struct PendingLine {
    let parts: [(text: [UInt8], then: LineFormat.Piece?)]
}
