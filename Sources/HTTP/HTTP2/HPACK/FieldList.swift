/// The fields of one field block, decoded: lines `name: value CRLF` in one block of memory, and where they stand.
///
/// One is lent to whichever connection decodes. It is filled field by field, each charged to the limits before a byte of
/// it is looked at; once a limit is broken nothing more is kept, while decoding goes on for the sake of the dynamic
/// table.
@safe
package struct FieldList: ~Copyable {
    package struct Field: BitwiseCopyable, Sendable {
        package var name: Slice
        package var value: Slice
        package var meaning: FieldName
        package var nameFault: FieldFault
        package var valueFault: FieldFault
        /// Whoever passes the field on must not put it into a table (RFC 7541 §6.2.3).
        package var isNeverIndexed: Bool
    }

    /// `: ` and CRLF.
    static var lineOverhead: Int { 4 }

    let limits: HeadLimits
    private let bytes: UnsafeMutableRawBufferPointer
    private let table: UnsafeMutableBufferPointer<Field>
    private(set) package var count = 0
    /// Bytes of the lines.
    private(set) package var filled = 0
    /// Fields charged, kept or not.
    private var chargedCount = 0
    /// The list's size as RFC 9113 §6.5.2 counts it.
    private var chargedSize = 0
    /// The limit that was broken first.
    private(set) package var excess: RequestRejection?

    /// - Parameter longestEntry: bytes of the longest line that goes into a dynamic table, and has to be decoded even
    ///   where it is not kept.
    package init(limits: HeadLimits, longestEntry: Int = DynamicTable.largestSize) {
        self.limits = limits
        // A line of n bytes is charged n + 28, so lines never fill more than the limit. Behind them cookies are joined.
        let room = limits.maximumHead + max(longestEntry, limits.maximumHead) + Self.lineOverhead + Self.copySlack
        unsafe bytes = .allocate(byteCount: room, alignment: 16)
        unsafe table = .allocate(capacity: max(limits.maximumFields, 1))
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe table.deallocate()
    }

    /// Bytes that a copy of whole words may write behind its end.
    private static var copySlack: Int { 16 }

    package mutating func removeAll() {
        count = 0
        filled = 0
        chargedCount = 0
        chargedSize = 0
        excess = nil
    }

    package subscript(index: Int) -> Field {
        @inline(__always)
        get {
            precondition(index >= 0 && index < count, "no such field")
            return unsafe table[index]
        }
        @inline(__always)
        set {
            precondition(index >= 0 && index < count, "no such field")
            unsafe table[index] = newValue
        }
    }

    /// The lines decoded.
    package var text: UnsafeRawBufferPointer {
        @inline(__always)
        get { unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<filled]) }
    }

    /// Makes it as if only the first `count` fields were there.
    mutating func keep(_ count: Int) {
        precondition(count <= self.count)
        self.count = count
    }
}

// Filling, by the decoder.
extension FieldList {
    /// Charges a field of which nothing is known yet; false when it is not to be kept.
    @inline(__always)
    mutating func chargeField() -> Bool {
        chargedCount += 1
        chargedSize += DynamicTable.entryOverhead
        if chargedCount > limits.maximumFields, excess == nil { excess = .tooManyFields }
        return excess == nil
    }

    /// Charges the bytes of the field's name and value; false when it is not to be kept.
    @inline(__always)
    mutating func charge(_ count: Int) -> Bool {
        chargedSize += count
        if chargedSize > limits.maximumHead, excess == nil { excess = .headTooLarge }
        return excess == nil
    }

    /// Where the next line goes, or what has to be decoded without being kept.
    @inline(__always)
    var room: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[filled..<(bytes.count - Self.copySlack)])
    }

    /// The bytes of a line that was written into `room`.
    @inline(__always)
    func written(_ count: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[filled..<(filled + count)])
    }

    /// Copies a line into `room`; it was charged and there is room for it.
    @inline(__always)
    func copy(_ line: UnsafeRawBufferPointer) {
        precondition(unsafe filled + line.count <= bytes.count - Self.copySlack)
        unsafe OutputBuffer.copy(
            line.baseAddress.unsafelyUnwrapped, line.count, to: bytes.baseAddress.unsafelyUnwrapped + filled)
    }

    /// Takes the line in `room` as the next field.
    @inline(__always)
    mutating func append(
        nameCount: Int, valueCount: Int, meaning: FieldName, nameFault: FieldFault, valueFault: FieldFault,
        isNeverIndexed: Bool
    ) {
        precondition(unsafe count < table.count)
        let value = filled + nameCount + 2
        let field = Field(
            name: Slice(filled, filled + nameCount), value: Slice(value, value + valueCount), meaning: meaning,
            nameFault: nameFault, valueFault: valueFault, isNeverIndexed: isNeverIndexed)
        unsafe table.initializeElement(at: count, to: field)
        count += 1
        filled = value + valueCount + 2
    }
}

// Changing lines, once they are decoded.
extension FieldList {
    mutating func overwrite(at offset: Int, with replacement: StaticString) {
        let count = replacement.utf8CodeUnitCount
        precondition(offset >= 0 && offset + count <= filled)
        unsafe (bytes.baseAddress.unsafelyUnwrapped + offset).copyMemory(
            from: replacement.utf8Start, byteCount: count)
    }

    /// Moves the field's line forward, to `offset`.
    mutating func move(_ field: inout Field, to offset: Int) {
        let start = Int(field.name.start)
        let lineCount = field.value.range.upperBound + 2 - start
        precondition(offset >= 0 && offset <= start)
        let base = unsafe bytes.baseAddress.unsafelyUnwrapped
        unsafe (base + offset).copyMemory(from: base + start, byteCount: lineCount)
        field.name.start = UInt32(offset)
        field.value.start -= UInt32(start - offset)
    }

    /// Copies what stands at `range` behind the lines, `offset` bytes from their end.
    func gather(_ range: Range<Int>, at offset: Int) {
        precondition(unsafe range.upperBound <= filled && filled + offset + range.count <= bytes.count)
        let base = unsafe bytes.baseAddress.unsafelyUnwrapped
        unsafe (base + filled + offset).copyMemory(from: base + range.lowerBound, byteCount: range.count)
    }

    func gather(_ text: StaticString, at offset: Int) {
        precondition(unsafe filled + offset + text.utf8CodeUnitCount <= bytes.count)
        unsafe (bytes.baseAddress.unsafelyUnwrapped + filled + offset).copyMemory(
            from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    /// Makes the `gathered` bytes behind the lines the last line, at `offset`; `field` stands for it.
    mutating func endLines(with field: inout Field, gathered: Int, at offset: Int) {
        precondition(unsafe offset >= 0 && offset <= filled && filled + gathered <= bytes.count)
        let base = unsafe bytes.baseAddress.unsafelyUnwrapped
        unsafe (base + offset).copyMemory(from: base + filled, byteCount: gathered)
        field.name.start = UInt32(offset)
        field.value = Slice(offset + Int(field.name.count) + 2, offset + gathered - 2)
        filled = offset + gathered
    }
}
