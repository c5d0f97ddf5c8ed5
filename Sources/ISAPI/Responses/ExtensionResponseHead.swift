import HTTP

/// The head of an extension's response, split into statements about the response and about the connection.
///
/// Extensions are parsed leniently where nothing can be misunderstood and strictly where a client could misunderstand:
/// a field line that is not exactly one valid line is left out, so no extension can split a response. The text buffer
/// that `parse` fills contains the reason phrase and then the field lines, normalized to end with CRLF.
package struct ExtensionResponseHead: BitwiseCopyable, Equatable, Sendable {
    package var status = 200
    /// Bytes of the reason phrase at the start of the text; 0 stands for the standard phrase.
    var reasonCount = 0
    /// The value of Content-Length; the field itself is not among the field lines.
    package var contentLength: UInt64?
    /// The extension announced Transfer-Encoding and writes its body already framed.
    package var framesItself = false
    /// The extension requested that the connection be closed.
    package var closesConnection = false
    package var flaws: ResponseFlaws = []

    /// The head of a response whose extension sent only a body.
    static func bodyOnly(into text: inout ByteBuffer) -> ExtensionResponseHead {
        text.append("Content-Type: text/html\r\n")
        return ExtensionResponseHead()
    }

    /// Parses a status and a block of field lines, as extensions pass them.
    ///
    /// - Parameters:
    ///   - status: "200 OK", "200", "200OK", "HTTP/1.1 200 OK", or empty for 200; a field line in its place counts as
    ///     the first of the block.
    ///   - block: field lines ended by CRLF or LF, an empty line, and the beginning of the body.
    ///   - text: receives the reason phrase and the field lines; empty before the call.
    /// - Returns: the head, and where in `block` the body begins; nil for an interim status, which is not a response.
    static func parse(
        status: Span<UInt8>, block: Span<UInt8>, into text: inout ByteBuffer
    ) -> (head: ExtensionResponseHead, bodyStart: Int)? {
        let status = status.extracting(status.withoutLineEnd)
        var head = ExtensionResponseHead()
        var lines = LineReader()
        let given = StatusText(status)
        if let given {
            guard head.take(given, of: status, into: &text) else { return nil }
        } else if block.hasPrefix("http/"), let first = lines.next(block) {
            let line = block.extracting(first)
            if let given = StatusText(line) {
                guard head.take(given, of: line, into: &text) else { return nil }
            } else {
                head.flaws.insert(.statusNotUnderstood)
            }
        }
        if given == nil, !status.isEmpty { head.addField(status, to: &text, misplaced: true) }
        while true {
            if let line = lines.nextWhole(block) {
                head.addWhole(line.field, endingAt: line.end, of: block, to: &text)
            } else if let line = lines.next(block), !line.isEmpty {
                head.addField(block.extracting(line), to: &text, misplaced: false)
            } else {
                break
            }
        }
        if head.framesItself { head.contentLength = nil }
        return (head, lines.position)
    }

    private mutating func take(_ given: StatusText, of line: Span<UInt8>, into text: inout ByteBuffer) -> Bool {
        guard given.code >= 200 else { return false }
        status = given.code
        let phrase = line.extracting(given.phrase)
        guard FieldSyntax.isValidValue(phrase.rawBytes) else {
            flaws.insert(.controlByte)
            return true
        }
        phrase.withBytes { bytes in text.append(bytes) }
        reasonCount = phrase.count
        return true
    }

    /// - Parameter misplaced: whether the line is in place of a status, and need not be a field line at all.
    private mutating func addField(_ line: Span<UInt8>, to text: inout ByteBuffer, misplaced: Bool) {
        let field: FieldSlice
        do throws(RequestRejection) {
            field = try FieldSyntax.parse(line.rawBytes, from: 0, to: line.count)
        } catch {
            if error == .spaceBeforeColon, let line = Self.withoutSpaceBeforeColon(line) {
                return addField(line.span, to: &text, misplaced: misplaced)
            }
            flaws.insert(Self.flaw(error, misplaced: misplaced))
            return
        }
        guard !interpret(field, of: line.rawBytes, line.extracting(field.value.range)) else { return }
        append(field, of: line, to: &text)
    }

    /// The line as a proxy forwards it (RFC 9112 §5.1).
    private static func withoutSpaceBeforeColon(_ line: Span<UInt8>) -> [UInt8]? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let name = line.trimmed(0..<colon)
        return line.withBytes { bytes in Array(bytes[name]) + Array(bytes[colon...]) }
    }

    /// Adds a field whose line is well-formed; its CRLF is at `end`.
    private mutating func addWhole(
        _ field: FieldSlice, endingAt end: Int, of block: Span<UInt8>, to text: inout ByteBuffer
    ) {
        let name = field.name.range
        let value = field.value.range
        guard !interpret(field, of: block.rawBytes, block.extracting(value)) else { return }
        // The line as most extensions write it is already in the normalized form.
        let isNormal = value.lowerBound == name.upperBound + 2 && value.upperBound == end
        guard isNormal, block[name.upperBound + 1] == UInt8(ascii: " ") else {
            return append(field, of: block, to: &text)
        }
        block.extracting(name.lowerBound..<(end + 2)).withBytes { text.append($0) }
    }

    private func append(_ field: FieldSlice, of line: Span<UInt8>, to text: inout ByteBuffer) {
        line.extracting(field.name.range).withBytes { text.append($0) }
        text.append(": ")
        line.extracting(field.value.range).withBytes { text.append($0) }
        text.append("\r\n")
    }

    private static func flaw(_ rejection: RequestRejection, misplaced: Bool) -> ResponseFlaws {
        switch rejection {
        case .invalidFieldValue, .bareCarriageReturn: .controlByte
        case _ where misplaced: .statusNotUnderstood
        case .missingColon: .missingColon
        default: .invalidFieldName
        }
    }

    /// Interprets the fields that concern this connection or its framing (RFC 9110 §7.6.1).
    ///
    /// The gateway writes these itself, Date and Server too; true if this is one of them.
    private mutating func interpret(_ field: FieldSlice, of line: RawSpan, _ value: Span<UInt8>) -> Bool {
        switch field.known {
        case .connection:
            if value.containsListMember("close") { closesConnection = true }
            return true
        case .contentLength:
            takeLength(value)
            return true
        case .transferEncoding:
            if !value.isSame(as: "identity") { framesItself = true }
            return true
        case .host, .expect, .contentType, .other:
            break
        }
        let name = field.name.range
        func isNamed(_ text: StaticString) -> Bool { line.equals(text, from: name.lowerBound, to: name.upperBound) }
        return switch name.count {
        case 4: isNamed("date")
        case 6: isNamed("server")
        case 7: isNamed("upgrade") || isNamed("trailer")
        case 10: isNamed("keep-alive")
        case 16: isNamed("proxy-connection")
        default: false
        }
    }

    private mutating func takeLength(_ value: Span<UInt8>) {
        guard let length = value.decimal, !flaws.contains(.conflictingLength) else {
            flaws.insert(.invalidLength)
            return
        }
        if let known = contentLength, known != length {
            contentLength = nil
            flaws.insert(.conflictingLength)
        } else {
            contentLength = length
        }
    }
}

/// What was wrong with a response and left out of it, for the log.
package struct ResponseFlaws: OptionSet, Sendable, BitwiseCopyable, CustomStringConvertible {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let statusNotUnderstood = ResponseFlaws(rawValue: 1)
    package static let missingColon = ResponseFlaws(rawValue: 2)
    package static let invalidFieldName = ResponseFlaws(rawValue: 4)
    package static let controlByte = ResponseFlaws(rawValue: 8)
    package static let invalidLength = ResponseFlaws(rawValue: 16)
    package static let conflictingLength = ResponseFlaws(rawValue: 32)

    package var description: String {
        var names: [String] = []
        if contains(.statusNotUnderstood) { names.append("status not understood") }
        if contains(.missingColon) { names.append("field line without a colon") }
        if contains(.invalidFieldName) { names.append("invalid field name") }
        if contains(.controlByte) { names.append("control byte in a field value") }
        if contains(.invalidLength) { names.append("invalid Content-Length") }
        if contains(.conflictingLength) { names.append("conflicting Content-Length") }
        return names.joined(separator: ", ")
    }
}

/// A status code and the range of its reason phrase.
private struct StatusText {
    let code: Int
    let phrase: Range<Int>

    init?(_ text: Span<UInt8>) {
        var start = 0
        while start < text.count, isWhiteSpace(text[start]) { start += 1 }
        if start < text.count, digit(text[start]) == nil, text.extracting(start..<text.count).hasPrefix("http/") {
            while start < text.count, text[start] != UInt8(ascii: " ") { start += 1 }
            while start < text.count, text[start] == UInt8(ascii: " ") { start += 1 }
        }
        guard start + 3 <= text.count, let hundreds = digit(text[start]), let tens = digit(text[start + 1]),
            let ones = digit(text[start + 2])
        else { return nil }
        code = hundreds * 100 + tens * 10 + ones
        guard (100...599).contains(code) else { return nil }
        // A fourth digit makes a number that is not a status code.
        if start + 3 < text.count, digit(text[start + 3]) != nil { return nil }
        self.phrase = text.trimmed((start + 3)..<text.count)
    }
}

/// Splits a block into lines ended by CRLF, LF or the end of the block.
private struct LineReader {
    private(set) var position = 0

    /// The next line, if it is a well-formed field line ended by CRLF, and its range.
    @inline(__always)
    mutating func nextWhole(_ block: Span<UInt8>) -> (field: FieldSlice, end: Int)? {
        guard let line = FieldSyntax.parseWhole(block.rawBytes, from: position) else { return nil }
        position = line.end + 2
        return line
    }

    mutating func next(_ block: Span<UInt8>) -> Range<Int>? {
        guard position < block.count else { return nil }
        let start = position
        guard let length = block.extracting(start..<block.count).firstIndex(of: UInt8(ascii: "\n")) else {
            position = block.count
            return start..<block.count
        }
        let end = start + length
        position = end + 1
        return start..<(length > 0 && block[end - 1] == UInt8(ascii: "\r") ? end - 1 : end)
    }
}
