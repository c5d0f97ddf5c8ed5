import Memory

/// The dynamic table of one direction (RFC 7541 §2.3.2): field lines in one block of memory, the newest last.
///
/// Entries are not allocated individually, and no memory is allocated before the first one. Lines are stored in order
/// of arrival; when the end of the block is reached, those still in the table are moved to its beginning.
@safe
struct DynamicTable: ~Copyable {
    struct Entry: BitwiseCopyable {
        /// The offset of its line, relative to the first byte ever added.
        fileprivate(set) var start: UInt32
        var nameCount: UInt16
        var valueCount: UInt16
        var name: FieldName
        var nameFault: FieldFault
        var valueFault: FieldFault

        /// The size according to RFC 7541 §4.1.
        var size: Int { Int(nameCount) + Int(valueCount) + DynamicTable.entryOverhead }
        /// The length of `name: value CRLF` in bytes.
        var lineCount: Int { Int(nameCount) + Int(valueCount) + FieldList.lineOverhead }
    }

    /// The overhead of an entry (RFC 7541 §4.1).
    static var entryOverhead: Int { 32 }
    /// The maximum supported table size: byte counts are stored in 16 bits.
    static var largestSize: Int { 1 << 16 - 1 }

    private var lines = OwnedBytes()
    /// The offset of the start of `lines`, and of the end of the bytes added, in the units of `Entry.start`.
    private var base: UInt32 = 0
    private var end: UInt32 = 0

    /// A ring buffer; the newest entry is the one before `inserted`.
    private var entries = Table<Entry>()

    /// The number of entries ever added, by which entries are numbered.
    private(set) var inserted: UInt32 = 0
    private(set) var count = 0
    private(set) var size = 0
    private(set) var maximumSize: Int

    init(maximumSize: Int) {
        self.maximumSize = min(max(maximumSize, 0), Self.largestSize)
    }

    /// There is space after the last line for a copy of sixteen bytes.
    private static var slack: Int { 16 }

    /// The entry at `index`, of which 1 is the newest; it must exist.
    @inline(__always)
    subscript(index: Int) -> Entry {
        precondition(UInt(bitPattern: index &- 1) < UInt(bitPattern: count), "no such entry")
        // There are no more entries than places, a power of two, so that the mask gives one of them.
        let place = (Int(truncatingIfNeeded: inserted) &- index) & (entries.count &- 1)
        return unsafe entries[unchecked: place]
    }

    /// The line of an entry, valid until the table is changed.
    @inline(__always)
    func line(of entry: Entry) -> ByteView {
        let offset = Int(entry.start &- base)
        assert(offset + entry.lineCount <= Int(end &- base))
        return lines.view[offset..<offset + entry.lineCount]
    }

    /// Space for a line after those in the table, and for copies of whole words; `add` makes the line an entry,
    /// otherwise the next line overwrites it.
    @inline(__always)
    mutating func room(for count: Int) -> MutableByteView {
        if self.count == 0 { base = end }
        if Int(end &- base) + count + Self.slack > lines.count { makeRoom(for: count) }
        return lines.room[Int(end &- base)...]
    }

    /// Adds the entry whose line was written to `room(for:)`; an entry larger than the table empties it (§4.4).
    mutating func add(
        nameCount: Int, valueCount: Int, name: FieldName, nameFault: FieldFault = .none, valueFault: FieldFault = .none
    ) {
        let added = nameCount + valueCount + Self.entryOverhead
        evict(to: maximumSize - added)
        guard added <= maximumSize else { return }
        if count == entries.count { growEntries() }
        let place = Int(truncatingIfNeeded: inserted) & (entries.count - 1)
        let entry = Entry(
            start: end, nameCount: UInt16(nameCount), valueCount: UInt16(valueCount), name: name, nameFault: nameFault,
            valueFault: valueFault)
        entries[place] = entry
        end &+= UInt32(entry.lineCount)
        inserted &+= 1
        count += 1
        size += added
    }

    /// Changes the maximum size of the table (§4.3).
    mutating func resize(to newMaximum: Int) {
        maximumSize = min(newMaximum, Self.largestSize)
        evict(to: maximumSize)
    }

    /// Evicts the oldest entries until the size of the table is at most `target`.
    @inline(__always)
    mutating func evict(to target: Int) {
        while size > max(target, 0) {
            size -= self[count].size
            count -= 1
        }
    }

    /// Releases the memory that the entries do not need; the next one that is added needs some again.
    mutating func trim() {
        guard count > 0 else {
            base = end
            lines = OwnedBytes()
            entries = Table()
            return
        }
        let first = self[count].start
        let (kept, offset) = (Int(end &- first), Int(first &- base))
        guard kept + Self.slack < lines.count else { return }
        let smaller = OwnedBytes(count: kept + Self.slack)
        smaller.room.copy(lines.view[offset..<offset + kept])
        lines = smaller
        base = first
    }

    /// Moves the content of the table to the beginning of a block that has space for twice as much; allocates a larger
    /// one if needed.
    @inline(never)
    private mutating func makeRoom(for added: Int) {
        let first = count > 0 ? self[count].start : end
        let kept = Int(end &- first)
        let offset = Int(first &- base)
        let needed = 2 * kept + added
        if needed + Self.slack <= lines.count {
            lines.room.move(offset..<offset + kept, to: 0)
        } else {
            let larger = OwnedBytes(count: max(256, needed.roundedUpToPowerOfTwo) + Self.slack)
            if kept > 0 { larger.room.copy(lines.view[offset..<offset + kept]) }
            lines = larger
        }
        base = first
    }

    @inline(never)
    private mutating func growEntries() {
        let capacity = max(8, 2 * entries.count)
        let empty = Entry(start: 0, nameCount: 0, valueCount: 0, name: .other, nameFault: .none, valueFault: .none)
        var larger = Table(repeating: empty, count: capacity)
        for index in stride(from: count, to: 0, by: -1) {
            let place = (Int(truncatingIfNeeded: inserted) - index) & (capacity - 1)
            larger[place] = self[index]
        }
        entries = larger
    }
}

extension Int {
    /// The smallest power of two that is not less than this value.
    fileprivate var roundedUpToPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
