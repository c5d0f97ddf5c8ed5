/// A resumable, strict parser of HTTP/1 request heads (RFC 9112 §2-§6).
///
/// It judges only complete lines, in order, and the number of bytes received; the verdict therefore cannot depend on
/// how the bytes were split. The search for the end of a line goes on where it stopped, so a head that arrives byte by
/// byte costs no more than one that arrives whole. It looks for control bytes, of which a proper line has none before
/// its CRLF, so that the same pass also proves field values. The field table is allocated once and reused for every
/// request of a connection.
@safe
package struct RequestParser: ~Copyable {
    /// The head, whole once `parse` has returned true.
    package private(set) var head = RequestHead()

    private let limits: HeadLimits
    private let table: UnsafeMutablePointer<FieldSlice>
    private var phase = Phase.start
    private var meaning = FieldMeaning()
    private var lineStart = 0
    private var searched = 0
    /// Whether the unfinished line holds a control byte that does not belong there; it is refused once it is complete.
    private var lineIsFaulty = false

    private enum Phase: BitwiseCopyable {
        /// Before the request line, where one empty line is let pass.
        case start
        case requestLine, fields, complete
    }

    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
        unsafe table = .allocate(capacity: max(limits.maximumFields, 1))
    }

    deinit { unsafe table.deallocate() }

    /// Makes the parser ready for the next head; slices handed out before mean nothing afterwards.
    package mutating func reset() {
        head = RequestHead()
        phase = .start
        meaning = FieldMeaning()
        lineStart = 0
        searched = 0
        lineIsFaulty = false
    }

    /// Parses as far as the bytes reach; true when `head` is complete.
    ///
    /// `input` starts at the first byte of the head, in every call; a later call passes the same bytes and more.
    /// What stands after `head.length` bytes is not looked at. After a refusal the parser is good for nothing but
    /// `reset`.
    package mutating func parse(_ input: RawSpan) throws(RequestRejection) -> Bool {
        while phase != .complete {
            let lineFeed = nextLineFeed(input)
            try refuseLine(reaching: lineFeed)
            guard lineFeed < input.byteCount else { return false }
            guard lineFeed > lineStart, input.byte(at: lineFeed - 1) == ASCII.carriageReturn else {
                throw .bareLineFeed
            }
            try takeLine(input, from: lineStart, to: lineFeed - 1)
            lineStart = lineFeed + 1
            searched = lineStart
        }
        return true
    }

    /// The offset of the LF that ends the line, or the input's end; notes whether anything but CRLF stopped the search.
    @inline(__always)
    private mutating func nextLineFeed(_ input: RawSpan) -> Int {
        let count = input.byteCount
        if !lineIsFaulty {
            searched = input.first(from: searched, to: count) { $0.controls }
            if count - searched >= 2, input.byte(at: searched) == ASCII.carriageReturn,
                input.byte(at: searched + 1) == ASCII.lineFeed
            {
                return searched + 1
            }
            // A CR at the end is looked at again when the next byte is there.
            let waits = searched == count || (searched == count - 1 && input.byte(at: searched) == ASCII.carriageReturn)
            if waits { return count }
            lineIsFaulty = true
        }
        searched = input.first(ASCII.lineFeed, from: searched, to: count)
        return searched
    }

    /// Refuses a line of which the bytes before `end` are known and at least one more, its LF, has to follow.
    @inline(__always)
    private func refuseLine(reaching end: Int) throws(RequestRejection) {
        if phase != .fields {
            let room = min(limits.maximumRequestLine, limits.maximumHead - lineStart)
            if end - lineStart >= room { throw .requestLineTooLong }
        } else if end >= limits.maximumHead {
            throw .headTooLarge
        }
    }

    private mutating func takeLine(_ input: RawSpan, from start: Int, to end: Int) throws(RequestRejection) {
        switch phase {
        case .fields:
            guard start < end else { return try finish() }
            try takeField(input, from: start, to: end)
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
    private mutating func takeField(_ input: RawSpan, from start: Int, to end: Int) throws(RequestRejection) {
        guard head.fieldCount < limits.maximumFields else { throw .tooManyFields }
        let field =
            lineIsFaulty
            ? try FieldSyntax.parse(input, from: start, to: end)
            : try FieldSyntax.parseWithoutControls(input, from: start, to: end)
        if field.known != .other { try meaning.take(field, in: input) }
        unsafe (table + head.fieldCount).initialize(to: field)
        head.fieldCount += 1
    }

    private mutating func finish() throws(RequestRejection) {
        try meaning.apply(to: &head)
        head.length = lineStart + 2
        phase = .complete
    }
}

// Reading the fields of a complete head.
extension RequestParser {
    /// The field lines in the order received; valid until the next `reset`.
    package var fields: UnsafeBufferPointer<FieldSlice> {
        unsafe UnsafeBufferPointer(start: table, count: head.fieldCount)
    }

    package func field(at index: Int) -> FieldSlice {
        precondition(index >= 0 && index < head.fieldCount, "no such field")
        return unsafe table[index]
    }

    /// The value of the first field of that kind. `other` stands for no particular field and finds none.
    package func value(ofKnown known: KnownField) -> Slice? {
        guard known != .other else { return nil }
        for index in 0..<head.fieldCount where unsafe table[index].known == known { return unsafe table[index].value }
        return nil
    }

    /// The value of the first field with that name, in lower case, compared without case; `input` as given to `parse`.
    package func value(named name: StaticString, in input: RawSpan) -> Slice? {
        for index in 0..<head.fieldCount {
            let field = unsafe table[index]
            let range = field.name.range
            if input.equals(name, from: range.lowerBound, to: range.upperBound) { return field.value }
        }
        return nil
    }
}
