import Memory

/// The decoded fields of one field block: lines `name: value CRLF` in one block of memory, and their positions.
///
/// One object is lent to the connection that is decoding. It is filled field by field, and each field is charged to the
/// limits before any byte of it is examined. Once a limit is exceeded nothing more is stored, while decoding continues
/// to keep the dynamic table in sync.
@safe
package struct FieldList: ~Copyable {
    package struct Field: BitwiseCopyable, Sendable {
        package var name: Slice
        package var value: Slice
        package var meaning: FieldName
        package var nameFault: FieldFault
        package var valueFault: FieldFault
        /// Whether an intermediary that forwards the field must not index it (RFC 7541 §6.2.3).
        package var isNeverIndexed: Bool
    }

    /// `: ` and CRLF.
    static var lineOverhead: Int { 4 }

    let limits: HeadLimits
    private let bytes: OwnedBytes
    private var table: Table<Field>
    private(set) package var count = 0
    /// The number of bytes of the lines.
    private(set) package var filled = 0
    /// The number of charged fields, stored or not.
    private var chargedCount = 0
    /// The size of the list according to RFC 9113 §6.5.2.
    private var chargedSize = 0
    /// The limit that was exceeded first.
    private(set) package var excess: RequestRejection?

    /// - Parameter longestEntry: the maximum length in bytes of a line that enters a dynamic table, and must be decoded
    ///   even if it is not stored.
    package init(limits: HeadLimits, longestEntry: Int = DynamicTable.largestSize) {
        self.limits = limits
        // A line of n bytes is charged n + 28, so lines never exceed the limit. Cookies are joined in the space after
        // them.
        let room = limits.maximumHead + max(longestEntry, limits.maximumHead) + Self.lineOverhead + Self.copySlack
        bytes = OwnedBytes(count: room)
        let empty = Field(
            name: Slice(0, 0), value: Slice(0, 0), meaning: .other, nameFault: .none, valueFault: .none,
            isNeverIndexed: false)
        table = Table(repeating: empty, count: max(limits.maximumFields, 1))
    }

    /// The number of bytes that a copy of whole words may write beyond its end.
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
            // There are no more fields than the table has elements, which `append` checks.
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "no such field")
            return unsafe table[unchecked: index]
        }
        @inline(__always)
        set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "no such field")
            unsafe table[unchecked: index] = newValue
        }
    }

    /// The decoded lines.
    package var text: ByteView {
        @inline(__always)
        get { bytes.view[..<filled] }
    }

    /// Removes all but the first `count` fields.
    mutating func keep(_ count: Int) {
        precondition(count <= self.count)
        self.count = count
    }
}

// Filling, by the decoder.
extension FieldList {
    /// Charges a field whose content is not known yet; false if it must not be stored.
    @inline(__always)
    mutating func chargeField() -> Bool {
        chargedCount += 1
        chargedSize += DynamicTable.entryOverhead
        if chargedCount > limits.maximumFields, excess == nil { excess = .tooManyFields }
        return excess == nil
    }

    /// Charges the bytes of the field's name and value; false if it must not be stored.
    @inline(__always)
    mutating func charge(_ count: Int) -> Bool {
        chargedSize += count
        if chargedSize > limits.maximumHead, excess == nil { excess = .headTooLarge }
        return excess == nil
    }

    /// The space for the next line, and for a line that must be decoded without being stored.
    @inline(__always)
    var room: MutableByteView {
        bytes.room[filled..<(bytes.count - Self.copySlack)]
    }

    /// The bytes of a line that was written to `room`.
    @inline(__always)
    func written(_ count: Int) -> ByteView {
        bytes.view[filled..<(filled + count)]
    }

    /// Copies a line to `room`; it must have been charged, and fit.
    @inline(__always)
    func copy(_ line: ByteView) {
        bytes.room.copyShort(line, to: filled)
    }

    /// Adds the line in `room` as the next field.
    @inline(__always)
    mutating func append(
        nameCount: Int, valueCount: Int, meaning: FieldName, nameFault: FieldFault, valueFault: FieldFault,
        isNeverIndexed: Bool
    ) {
        let value = filled + nameCount + 2
        let field = Field(
            name: Slice(filled, filled + nameCount), value: Slice(value, value + valueCount), meaning: meaning,
            nameFault: nameFault, valueFault: valueFault, isNeverIndexed: isNeverIndexed)
        table[count] = field
        count += 1
        filled = value + valueCount + 2
    }
}

// Modifying decoded lines.
extension FieldList {
    mutating func overwrite(at offset: Int, with replacement: StaticString) {
        let count = replacement.utf8CodeUnitCount
        precondition(offset >= 0 && offset + count <= filled)
        bytes.room.copy(ByteView(replacement), to: offset)
    }

    /// Moves the line of the field forward, to `offset`.
    mutating func move(_ field: inout Field, to offset: Int) {
        let start = Int(field.name.start)
        let lineCount = field.value.range.upperBound + 2 - start
        precondition(offset >= 0 && offset <= start)
        bytes.room.move(start..<start + lineCount, to: offset)
        field.name.start = UInt32(offset)
        field.value.start -= UInt32(start - offset)
    }

    /// Copies the bytes at `range` to the space after the lines, `offset` bytes from their end.
    func gather(_ range: Range<Int>, at offset: Int) {
        precondition(range.upperBound <= filled && filled + offset + range.count <= bytes.count)
        bytes.room.move(range, to: filled + offset)
    }

    func gather(_ text: StaticString, at offset: Int) {
        precondition(filled + offset + text.utf8CodeUnitCount <= bytes.count)
        bytes.room.copy(ByteView(text), to: filled + offset)
    }

    /// Makes the `gathered` bytes after the lines the last line, at `offset`; `field` describes it.
    mutating func endLines(with field: inout Field, gathered: Int, at offset: Int) {
        precondition(offset >= 0 && offset <= filled && filled + gathered <= bytes.count)
        bytes.room.move(filled..<filled + gathered, to: offset)
        field.name.start = UInt32(offset)
        field.value = Slice(offset + Int(field.name.count) + 2, offset + gathered - 2)
        filled = offset + gathered
    }
}
