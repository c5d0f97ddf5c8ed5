import Memory

/// A resumable, strict parser of the HTTP/1 response heads that upstream servers send (RFC 9112 §4-§6).
///
/// Like `RequestParser`, it evaluates only complete lines, in order, so the result does not depend on how the bytes
/// were split.
@safe
package struct ResponseParser: ~Copyable {
    /// The head, complete once `parse` has returned true.
    package private(set) var head = ResponseHead()

    private let limits: HeadLimits
    private var table: Table<FieldSlice>
    private var phase = Phase.statusLine
    private var meaning = ResponseMeaning()
    private var lines = HeadLines()

    private enum Phase: BitwiseCopyable { case statusLine, fields, complete }

    package init(limits: HeadLimits) {
        self.limits = limits
        table = Table(repeating: FieldSlice.none, count: max(limits.maximumFields, 1))
    }

    /// Prepares the parser for the next head; slices returned before become invalid.
    package mutating func reset() {
        head = ResponseHead()
        phase = .statusLine
        meaning = ResponseMeaning()
        lines = HeadLines()
    }

    /// The field lines in the order received; valid until the next `reset`.
    package var fields: TableView<FieldSlice> {
        table.prefix(head.fieldCount)
    }

    /// Parses the received bytes; true when `head` is complete.
    ///
    /// `input` starts at the first byte of the head in every call; a later call passes the same bytes and more.
    ///
    /// - Parameter toHEAD: whether the request method was HEAD, to which no response has a body.
    package mutating func parse(_ input: RawSpan, toHEAD: Bool) throws(ResponseRejection) -> Bool {
        while phase != .complete {
            if phase == .fields { try takeWholeFields(input) }
            let lineFeed = lines.nextLineFeed(input)
            if lineFeed >= limits.maximumHead { throw .headTooLarge }
            // Bytes that cannot begin an HTTP response are rejected at once, because a line end may never follow.
            if phase == .statusLine, !Self.mayBeginStatusLine(input) { throw .invalidStatusLine }
            guard lineFeed < input.byteCount else { return false }
            guard lineFeed > lines.start, input.byte(at: lineFeed - 1) == ASCII.carriageReturn else {
                throw .malformed(.bareLineFeed)
            }
            try takeLine(input, from: lines.start, to: lineFeed - 1, toHEAD: toHEAD)
            lines.endLine(at: lineFeed)
        }
        return true
    }

    /// Whether the bytes begin like `HTTP/`.
    private static func mayBeginStatusLine(_ input: RawSpan) -> Bool {
        let text: UInt64 = 0x2F_5054_5448
        if input.byteCount >= 8 { return input.word(at: 0) & 0xFF_FFFF_FFFF == text }
        for index in 0..<min(input.byteCount, 5) {
            guard input.byte(at: index) == UInt8(truncatingIfNeeded: text >> UInt64(8 * index)) else { return false }
        }
        return true
    }

    /// Like the method of `RequestParser`.
    @inline(never)
    private mutating func takeWholeFields(_ input: RawSpan) throws(ResponseRejection) {
        while lines.isAtStart, let (field, end) = FieldSyntax.parseWhole(input, from: lines.start),
            end + 1 < limits.maximumHead
        {
            try take(field, input)
            lines.endLine(at: end + 1)
        }
    }

    private mutating func takeLine(
        _ input: RawSpan, from start: Int, to end: Int, toHEAD: Bool
    ) throws(ResponseRejection) {
        switch phase {
        case .statusLine:
            try parseStatusLine(input, from: start, to: end)
            phase = .fields
        case .fields where start == end:
            try meaning.apply(to: &head, toHEAD: toHEAD)
            head.length = end + 2
            phase = .complete
        case .fields:
            try takeField(input, from: start, to: end)
        case .complete:
            break
        }
    }

    /// `HTTP-version SP 3DIGIT [ SP reason-phrase ]` (RFC 9112 §4).
    ///
    /// The grammar requires the space after the code even without a phrase. A line that ends with the code is
    /// unambiguous, and enough servers send it.
    private mutating func parseStatusLine(
        _ input: RawSpan, from start: Int, to end: Int
    ) throws(ResponseRejection) {
        guard input.first(from: start, to: end, where: { $0.controls }) == end else {
            throw .malformed(FieldSyntax.lineFault(input, from: start, to: end, otherwise: .invalidFieldValue))
        }
        guard end - start >= 12, input.byte(at: start + 8) == ASCII.space else { throw .invalidStatusLine }
        let word = input.word(at: start)
        let nameAndDot: UInt64 = 0x002E_002F_5054_5448
        guard word & 0x00FF_00FF_FFFF_FFFF == nameAndDot else { throw .invalidStatusLine }
        let major = UInt8(truncatingIfNeeded: word >> 40)
        let minor = UInt8(truncatingIfNeeded: word >> 56)
        guard isDigit(major), isDigit(minor) else { throw .invalidStatusLine }
        guard major == 0x31 else { throw .unsupportedVersion }
        head.version = minor == 0x30 ? .http10 : .http11
        var status = 0
        for offset in start + 9..<start + 12 {
            let digit = input.byte(at: offset)
            guard isDigit(digit) else { throw .invalidStatus }
            status = status * 10 + Int(digit - 0x30)
        }
        guard (100...599).contains(status) else { throw .invalidStatus }
        head.status = status
        guard end > start + 12 else { return }
        guard input.byte(at: start + 12) == ASCII.space else { throw .invalidStatus }
        head.reason = Slice(start + 13, end)
    }

    private mutating func takeField(_ input: RawSpan, from start: Int, to end: Int) throws(ResponseRejection) {
        guard head.fieldCount < limits.maximumFields else { throw .tooManyFields }
        let field: FieldSlice
        do throws(RequestRejection) {
            field = try FieldSyntax.parse(input, from: start, to: end)
        } catch {
            throw .malformed(error)
        }
        try take(field, input)
    }

    @inline(__always)
    private mutating func take(_ field: FieldSlice, _ input: RawSpan) throws(ResponseRejection) {
        guard head.fieldCount < limits.maximumFields else { throw .tooManyFields }
        if field.known != .other { try meaning.take(field, in: input) }
        table[head.fieldCount] = field
        head.fieldCount += 1
    }
}

/// The meaning of the fields parsed so far for the response: its framing and its connection.
private struct ResponseMeaning: BitwiseCopyable {
    private var contentLength: UInt64?
    private var hasTransferEncoding = false
    private var close = false
    private var keepAlive = false

    mutating func take(_ field: FieldSlice, in input: RawSpan) throws(ResponseRejection) {
        let range = field.value.range
        switch field.known {
        case .contentLength:
            guard contentLength == nil else { throw .repeatedContentLength }
            do throws(RequestRejection) {
                contentLength = try FieldMeaning.length(input, from: range.lowerBound, to: range.upperBound)
            } catch {
                throw .malformed(error)
            }
        case .transferEncoding:
            // A second line would make it a list, and the gateway supports only "chunked" alone.
            guard !hasTransferEncoding, input.equals("chunked", from: range.lowerBound, to: range.upperBound) else {
                throw .unknownTransferCoding
            }
            hasTransferEncoding = true
        case .connection:
            input.forEachElement(from: range.lowerBound, to: range.upperBound) { start, end in
                if input.equals("close", from: start, to: end) { close = true }
                if input.equals("keep-alive", from: start, to: end) { keepAlive = true }
            }
        case .host, .contentType, .expect, .other:
            break
        }
    }

    /// The rules of RFC 9112 §6.3, in its order.
    func apply(to head: inout ResponseHead, toHEAD: Bool) throws(ResponseRejection) {
        if hasTransferEncoding {
            if contentLength != nil { throw .contentLengthWithTransferEncoding }
            if head.version == .http10 { throw .transferEncodingOnHTTP10 }
            // RFC 9112 §6.1; a server that frames a response that cannot have a body might also send one.
            if head.status < 200 || head.status == 204 { throw .transferEncodingWithoutBody }
        }
        head.declaredLength = contentLength
        head.keepAlive = !close && (head.version == .http11 || keepAlive)
        if toHEAD || head.status < 200 || head.status == 204 || head.status == 304 {
            head.framing = .none
        } else if hasTransferEncoding {
            head.framing = .chunked
        } else if let contentLength {
            head.framing = contentLength == 0 ? .none : .length(contentLength)
        } else {
            head.framing = .untilClose
        }
    }
}
