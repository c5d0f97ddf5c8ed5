/// The dynamic table of one direction (RFC 7541 §2.3.2): field lines in one block of bytes, newest last.
///
/// Nothing is allocated per entry, and nothing at all before the first one. Lines lie in the order they came; when the
/// end of the block is reached, those still in the table move to its beginning.
@safe
struct DynamicTable: ~Copyable {
    struct Entry: BitwiseCopyable {
        /// Of its line, counted from the first byte ever added.
        fileprivate(set) var start: UInt32
        var nameCount: UInt16
        var valueCount: UInt16
        var name: FieldName
        var nameFault: FieldFault
        var valueFault: FieldFault

        /// What RFC 7541 §4.1 counts.
        var size: Int { Int(nameCount) + Int(valueCount) + DynamicTable.entryOverhead }
        /// Bytes of `name: value CRLF`.
        var lineCount: Int { Int(nameCount) + Int(valueCount) + FieldList.lineOverhead }
    }

    /// What an entry counts beside its bytes (RFC 7541 §4.1).
    static var entryOverhead: Int { 32 }
    /// The largest table there is room for: counts of bytes are kept in 16 bits.
    static var largestSize: Int { 1 << 16 - 1 }

    private var lines: UnsafeMutableRawPointer?
    private var lineCapacity = 0
    /// What `lines` begins with, and the end of what was added, counted as `Entry.start`.
    private var base: UInt32 = 0
    private var end: UInt32 = 0

    /// A ring; the newest entry is the one before `inserted`.
    private var entries: UnsafeMutablePointer<Entry>?
    private var entryCapacity = 0

    /// Entries ever added, which numbers them.
    private(set) var inserted: UInt32 = 0
    private(set) var count = 0
    private(set) var size = 0
    private(set) var maximumSize: Int

    init(maximumSize: Int) {
        self.maximumSize = min(max(maximumSize, 0), Self.largestSize)
        unsafe lines = nil
        unsafe entries = nil
    }

    deinit {
        unsafe lines?.deallocate()
        unsafe entries?.deallocate()
    }

    /// The entry at `index`, of which 1 is the newest; it exists.
    @inline(__always)
    subscript(index: Int) -> Entry {
        precondition(index > 0 && index <= count, "no such entry")
        let place = (Int(truncatingIfNeeded: inserted) - index) & (entryCapacity - 1)
        return unsafe entries.unsafelyUnwrapped[place]
    }

    /// The line of an entry, as long as the table is not changed.
    @inline(__always)
    func line(of entry: Entry) -> UnsafeRawBufferPointer {
        let offset = Int(entry.start &- base)
        assert(offset + entry.lineCount <= Int(end &- base))
        return unsafe UnsafeRawBufferPointer(start: lines.unsafelyUnwrapped + offset, count: entry.lineCount)
    }

    /// Room for a line behind those in the table, which `add` takes over or the next one overwrites.
    @inline(__always)
    mutating func room(for count: Int) -> UnsafeMutableRawPointer {
        if self.count == 0 { base = end }
        if Int(end &- base) + count > lineCapacity { makeRoom(for: count) }
        return unsafe lines.unsafelyUnwrapped + Int(end &- base)
    }

    /// Adds the entry whose line was written into `room(for:)`; one larger than the table empties it (§4.4).
    mutating func add(
        nameCount: Int, valueCount: Int, name: FieldName, nameFault: FieldFault = .none, valueFault: FieldFault = .none
    ) {
        let added = nameCount + valueCount + Self.entryOverhead
        evict(to: maximumSize - added)
        guard added <= maximumSize else { return }
        if count == entryCapacity { growEntries() }
        let place = Int(truncatingIfNeeded: inserted) & (entryCapacity - 1)
        let entry = Entry(
            start: end, nameCount: UInt16(nameCount), valueCount: UInt16(valueCount), name: name, nameFault: nameFault,
            valueFault: valueFault)
        unsafe (entries.unsafelyUnwrapped + place).initialize(to: entry)
        end &+= UInt32(entry.lineCount)
        inserted &+= 1
        count += 1
        size += added
    }

    /// Changes how large the table may be (§4.3).
    mutating func resize(to newMaximum: Int) {
        maximumSize = min(newMaximum, Self.largestSize)
        evict(to: maximumSize)
    }

    /// Drops the oldest entries until the table is no larger than `target`.
    @inline(__always)
    mutating func evict(to target: Int) {
        while size > max(target, 0) {
            size -= self[count].size
            count -= 1
        }
    }

    /// Moves what is in the table to the beginning of a block that has room for twice as much, a larger one when needed.
    @inline(never)
    private mutating func makeRoom(for added: Int) {
        let first = count > 0 ? self[count].start : end
        let kept = Int(end &- first)
        let offset = Int(first &- base)
        let needed = 2 * kept + added
        if needed <= lineCapacity {
            if let lines = unsafe lines, kept > 0 { unsafe lines.copyMemory(from: lines + offset, byteCount: kept) }
        } else {
            let capacity = max(256, needed.roundedUpToPowerOfTwo)
            // Behind the last line there is room for a copy of sixteen bytes.
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity + 16, alignment: 16)
            if let lines = unsafe lines {
                if kept > 0 { unsafe larger.copyMemory(from: lines + offset, byteCount: kept) }
                unsafe lines.deallocate()
            }
            unsafe lines = larger
            lineCapacity = capacity
        }
        base = first
    }

    @inline(never)
    private mutating func growEntries() {
        let capacity = max(8, 2 * entryCapacity)
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
        for index in stride(from: count, to: 0, by: -1) {
            let place = (Int(truncatingIfNeeded: inserted) - index) & (capacity - 1)
            unsafe (larger + place).initialize(to: self[index])
        }
        unsafe entries?.deallocate()
        unsafe entries = larger
        entryCapacity = capacity
    }
}

extension Int {
    /// The smallest power of two that is no smaller.
    fileprivate var roundedUpToPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
