import Memory

/// Bytes collected at the end of one allocation, which is kept for the next use.
@safe
struct ByteBuffer: ~Copyable {
    private var storage = OwnedBytes()
    private(set) var count = 0

    /// A request that waits has several of these, most of them nearly empty.
    private static let smallestCapacity = 256

    var isEmpty: Bool { count == 0 }

    /// The collected bytes; valid until the next mutation.
    @inline(__always)
    var bytes: ByteView {
        storage.view[..<count]
    }

    @inline(__always)
    func slice(_ range: Range<Int>) -> ByteView {
        bytes[range]
    }

    /// Removes the content; an allocation larger than `capacity` bytes is freed.
    mutating func removeAll(keepingUpTo capacity: Int = 2 << 10) {
        count = 0
        guard storage.count > capacity else { return }
        storage = OwnedBytes()
    }

    /// Reserves `room` more bytes without a further allocation, so that addresses stay valid while they are used.
    @inline(__always)
    @discardableResult
    mutating func reserve(_ room: Int) -> MutableByteView {
        if count + room > storage.count { grow(by: room) }
        return storage.room[count...]
    }

    @inline(__always)
    mutating func append(_ source: ByteView) {
        guard source.count > 0 else { return }
        reserve(source.count).copy(source)
        count += source.count
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)[0] = byte
        count += 1
    }

    mutating func append(_ text: StaticString) {
        append(ByteView(text))
    }

    /// Labelled, so that literals do not become strings.
    mutating func append(text: String) {
        text.withBytes { append($0) }
    }

    mutating func append(decimal value: UInt64) {
        if value >= 10 { append(decimal: value / 10) }
        append(UInt8(ascii: "0") + UInt8(value % 10))
    }

    /// Converts UTF-8 to UTF-16, little-endian, with a NUL.
    mutating func widen() {
        let text = String(decoding: bytes, as: UTF8.self)
        removeAll()
        for unit in text.utf16 {
            append(UInt8(truncatingIfNeeded: unit))
            append(UInt8(truncatingIfNeeded: unit >> 8))
        }
        append("\0\0")
    }

    /// Replaces the bytes at `offset`, all of which exist, by those of the number.
    mutating func overwrite<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, with number: Number) {
        precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= count)
        storage.room.store(number, at: offset)
    }

    /// Removes the first bytes; the rest moves to the beginning.
    mutating func removeFirst(_ removed: Int) {
        precondition(removed >= 0 && removed <= count)
        storage.room.move(removed..<count, to: 0)
        count -= removed
    }

    /// Adds the bytes that were written to the reserved space to the content.
    mutating func commit(_ added: Int) {
        precondition(count + added <= storage.count)
        count += added
    }

    private mutating func grow(by room: Int) {
        let larger = OwnedBytes(count: max(storage.count * 2, count + room, Self.smallestCapacity))
        larger.room.copy(bytes)
        storage = larger
    }
}
