import Memory

/// A resumable, strict parser of HTTP/1 request heads (RFC 9112 §2-§6).
///
/// It evaluates only complete lines, in order, the first byte, and the number of received bytes; the result therefore
/// cannot depend on how the bytes were split. The field table is reused for every request of a connection.
@safe
package struct RequestParser: ~Copyable {
    /// The head, complete once `parse` has returned true.
    package private(set) var head = RequestHead()

    private let limits: HeadLimits
    private var table: Table<FieldSlice>
    private var phase = Phase.start
    private var meaning = FieldMeaning()
    private var lines = HeadLines()

    private enum Phase: BitwiseCopyable {
        /// Before the request line, where one empty line is skipped.
        case start
        case requestLine, fields, complete
    }

    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
        table = Table(repeating: FieldSlice.none, count: min(max(limits.maximumFields, 1), Self.firstFields))
    }

    /// The first byte of a record with a ClientHello (RFC 8446 §5.1), which need not contain the end of a line.
    private static let tlsHandshake: UInt8 = 0x16

    /// The initial size of the field table, which is enlarged for the few heads with more fields.
    private static let firstFields = 16

    /// Prepares the parser for the next head; slices returned before become invalid.
    package mutating func reset() {
        head = RequestHead()
        phase = .start
        meaning = FieldMeaning()
        lines = HeadLines()
    }

    /// Resets a head that was rejected, except for its method and version: its fields can no longer be looked up.
    package mutating func abandon() {
        let refused = head
        reset()
        head.method = refused.method
        head.version = refused.version
    }

    /// Parses the received bytes; true when `head` is complete.
    ///
    /// `input` starts at the first byte of the head in every call; a later call passes the same bytes and more. Bytes
    /// after `head.length` are not examined. After a rejection the parser can only be `reset`.
    package mutating func parse(_ input: RawSpan) throws(RequestRejection) -> Bool {
        if phase == .start, input.byteCount > 0, input.byte(at: 0) == Self.tlsHandshake { throw .tlsHandshake }
        while phase != .complete {
            if phase == .fields { try takeWholeFields(input) }
            let lineFeed = lines.nextLineFeed(input)
            try refuseLine(reaching: lineFeed)
            guard lineFeed < input.byteCount else { return false }
            guard lineFeed > lines.start, input.byte(at: lineFeed - 1) == ASCII.carriageReturn else {
                throw .bareLineFeed
            }
            try takeLine(input, from: lines.start, to: lineFeed - 1)
            lines.endLine(at: lineFeed)
        }
        return true
    }

    /// Rejects a line if its length up to `end` and at least one more byte, its LF, exceed a limit.
    @inline(__always)
    private func refuseLine(reaching end: Int) throws(RequestRejection) {
        if phase != .fields {
            let room = min(limits.maximumRequestLine, limits.maximumHead - lines.start)
            if end - lines.start >= room { throw .requestLineTooLong }
        } else if end >= limits.maximumHead {
            throw .headTooLarge
        }
    }

    /// Parses field lines as long as they are complete and well-formed, as nearly all are.
    ///
    /// A line that has been searched before arrives in pieces, and starting again with each piece would take quadratic
    /// time.
    @inline(never)
    private mutating func takeWholeFields(_ input: RawSpan) throws(RequestRejection) {
        while lines.isAtStart, let (field, end) = FieldSyntax.parseWhole(input, from: lines.start),
            end + 1 < limits.maximumHead
        {
            try take(field, input)
            lines.endLine(at: end + 1)
        }
    }

    private mutating func takeLine(_ input: RawSpan, from start: Int, to end: Int) throws(RequestRejection) {
        switch phase {
        case .fields:
            guard start < end else { return try finish() }
            guard head.fieldCount < limits.maximumFields else { throw .tooManyFields }
            try take(FieldSyntax.parse(input, from: start, to: end), input)
        case .start where start == end:
            phase = .requestLine
        case .start, .requestLine:
            try RequestLine.parse(input, from: start, to: end, into: &head)
            phase = .fields
        case .complete:
            break
        }
    }

    @inline(__always)
    private mutating func take(_ field: FieldSlice, _ input: RawSpan) throws(RequestRejection) {
        guard head.fieldCount < limits.maximumFields else { throw .tooManyFields }
        if field.known != .other { try meaning.take(field, in: input) }
        if head.fieldCount == table.count { growTable() }
        table[head.fieldCount] = field
        head.fieldCount += 1
    }

    @inline(never)
    private mutating func growTable() {
        table = Table(table, enlargedTo: limits.maximumFields, with: FieldSlice.none)
    }

    private mutating func finish() throws(RequestRejection) {
        try meaning.apply(to: &head)
        if head.form == .absolute { replaceHost() }
        head.length = lines.start + 2
        phase = .complete
    }
}

// Heads that were not received as text.
extension RequestParser {
    /// Takes the head and the fields of an HTTP/2 request. From then on all slices are relative to the first byte of
    /// the caller's copy of the request's text.
    package mutating func take(_ request: borrowing RequestAssembly) {
        reset()
        if table.count < request.fields.count { growTable() }
        precondition(request.fields.count <= table.count, "more fields than the limits allow")
        for index in 0..<request.fields.count {
            let field = request.fields[index]
            let slice = FieldSlice(name: field.name, value: field.value, known: field.meaning.known)
            table[index] = slice
        }
        head = request.head
        phase = .complete
    }
}

extension RequestParser {
    /// Sets the version of the head.
    mutating func setVersion(_ version: HTTPVersion) { head.version = version }
}

// Reading the fields of a complete head.
extension RequestParser {
    /// Replaces the value of Host by the authority of the target, for readers of the fields (RFC 9112 §3.2.2).
    private mutating func replaceHost() {
        for index in 0..<head.fieldCount where table[index].known == .host {
            table[index].value = head.authority
        }
    }

    /// The field lines in the order received; valid until the next `reset`.
    package var fields: TableView<FieldSlice> {
        table.prefix(head.fieldCount)
    }

    /// Changes the head to one with an uncoded body of unknown length, which a handler reads from a decoder.
    ///
    /// `input` as passed to `parse`.
    mutating func forgetCoding(in input: RawSpan) {
        head.framing = .chunked
        var kept = 0
        for index in 0..<head.fieldCount {
            let field = table[index]
            let name = field.name.range
            let isCoding = input.equals("content-encoding", from: name.lowerBound, to: name.upperBound)
            if isCoding || field.known == .contentLength { continue }
            table[kept] = field
            kept += 1
        }
        head.fieldCount = kept
    }

    package func field(at index: Int) -> FieldSlice {
        precondition(index >= 0 && index < head.fieldCount, "no such field")
        return table[index]
    }

    /// The value of the first field of this kind. `other` represents no particular field and finds none.
    package func value(ofKnown known: KnownField) -> Slice? {
        guard known != .other else { return nil }
        for index in 0..<head.fieldCount where table[index].known == known { return table[index].value }
        return nil
    }

    /// The value of the first field with this lower-case name, ignoring case; `input` as passed to `parse`.
    package func value(named name: StaticString, in input: RawSpan) -> Slice? {
        for index in 0..<head.fieldCount {
            let field = table[index]
            let range = field.name.range
            if input.equals(name, from: range.lowerBound, to: range.upperBound) { return field.value }
        }
        return nil
    }
}
