import Memory

/// Bytes to be sent to a peer: appended at the end, sent from the front.
@safe
@usableFromInline
package struct OutputBuffer: ~Copyable {
    /// Not allocated before the first byte, because a waiting request has nothing to send.
    @usableFromInline var memory = OwnedBytes()
    @usableFromInline var start = 0
    @usableFromInline var end = 0

    private static let initialCapacity = 16 << 10
    /// A buffer that has grown beyond this is not kept for the next request.
    private static let keptCapacity = 256 << 10

    package init() {}

    @inlinable package var count: Int { end - start }
    package var isEmpty: Bool { start == end }
    /// The number of bytes allocated.
    @usableFromInline var capacity: Int { memory.count }

    /// The bytes that have not been sent yet; valid until the buffer is changed.
    @inline(__always)
    package var unsent: ByteView { memory.view[start..<end] }

    package mutating func sent(_ count: Int) {
        start += count
        assert(start <= end)
        if start == end {
            start = 0
            end = 0
        }
    }

    package mutating func removeAll() {
        start = 0
        end = 0
        if capacity > Self.keptCapacity { memory = OwnedBytes() }
    }

    /// Releases memory that the unsent bytes do not need.
    package mutating func trim() {
        guard capacity > 2 * (count + 64) else { return }
        replaceMemory(with: isEmpty ? OwnedBytes() : OwnedBytes(count: count + 64))
    }

    @inlinable
    package mutating func append(_ bytes: ByteView) { appendShort(bytes) }

    @inlinable @inline(__always)
    package mutating func append(_ text: StaticString) { appendShort(ByteView(text)) }

    /// Nearly all pieces of a head are short and fit: they are copied without a function call.
    @inlinable @inline(__always)
    mutating func appendShort(_ bytes: ByteView) {
        guard bytes.count <= 32, end + bytes.count < capacity else { return appendLong(bytes) }
        memory.room.copyShort(bytes, to: end)
        end += bytes.count
    }

    @usableFromInline @inline(never)
    mutating func appendLong(_ bytes: ByteView) {
        guard bytes.count > 0 else { return }
        reserve(bytes.count)
        memory.room.copy(bytes, to: end)
        end += bytes.count
    }

    /// Appends another copy of a range of the unsent bytes.
    package mutating func append(copyOf range: Range<Int>) {
        reserve(range.count)
        memory.room.copy(unsent[range], to: end)
        end += range.count
    }

    @inlinable @inline(__always)
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        memory.room[end] = byte
        end += 1
    }

    package mutating func appendDecimal(_ value: UInt64) {
        append(upTo: WireNumber.maximumDecimal) { WireNumber.writeDecimal(value, to: $0) }
    }

    package mutating func appendChunkLine(_ size: Int) {
        append(upTo: WireNumber.maximumChunkLine) { WireNumber.writeChunkLine(size: UInt64(size), to: $0) }
    }

    /// Appends what `write` stores in the buffer passed to it, at most `limit` bytes.
    @inline(__always)
    package mutating func append(upTo limit: Int, _ write: (MutableByteView) -> Int) {
        reserve(limit)
        let written = write(memory.room[end..<end + limit])
        precondition(written >= 0 && written <= limit, "more than there is room for")
        end += written
    }

    /// Overwrites `count` of the unsent bytes, from `offset` on.
    package mutating func overwrite(at offset: Int, count: Int, _ write: (MutableByteView) -> Void) {
        write(memory.room[start..<end][offset..<offset + count])
    }

    /// Moves the unsent bytes from `offset` on, so that there are `count` more bytes before them.
    package mutating func insert(_ count: Int, at offset: Int) {
        reserve(count)
        memory.room.move((start + offset)..<end, to: start + offset + count)
        end += count
    }

    /// Removes the last `count` of the unsent bytes.
    package mutating func removeLast(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "only what is there can be taken back")
        end -= count
    }

    /// Reserves space for `count` more bytes at the end.
    @inlinable @inline(__always)
    mutating func reserve(_ count: Int) {
        // A buffer without memory allocates some even for zero bytes.
        if end + count >= capacity { grow(by: count) }
    }

    @usableFromInline @inline(never)
    mutating func grow(by count: Int) {
        replaceMemory(
            with: OwnedBytes(count: max(capacity * 2, self.count + count + 1, Self.initialCapacity)))
    }

    private mutating func replaceMemory(with other: consuming OwnedBytes) {
        other.room.copy(unsent)
        end -= start
        start = 0
        memory = other
    }
}
