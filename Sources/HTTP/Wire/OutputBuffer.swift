/// Bytes to be sent to a peer: appended at the end, sent from the front.
@safe
package struct OutputBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    /// The number of bytes allocated at `base`.
    private(set) var capacity = 0
    private var start = 0
    private var end = 0

    private static let initialCapacity = 16 << 10
    /// A buffer that has grown beyond this is not kept for the next request.
    private static let keptCapacity = 256 << 10

    /// Memory is allocated with the first byte, because a waiting request has nothing to send.
    package init() {
        unsafe base = nil
    }

    deinit {
        unsafe base?.deallocate()
    }

    package var count: Int { end - start }
    package var isEmpty: Bool { start == end }

    /// The bytes that have not been sent yet.
    package var unsent: UnsafeRawBufferPointer {
        guard let base = unsafe base else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeRawBufferPointer(start: base + start, count: count)
    }

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
        guard capacity > Self.keptCapacity else { return }
        unsafe base?.deallocate()
        unsafe base = nil
        capacity = 0
    }

    /// Releases memory that the unsent bytes do not need.
    package mutating func trim() {
        guard capacity > 2 * (count + 64) else { return }
        let smaller = isEmpty ? nil : UnsafeMutableRawPointer.allocate(byteCount: count + 64, alignment: 16)
        unsafe smaller?.copyMemory(from: unsent.baseAddress.unsafelyUnwrapped, byteCount: count)
        capacity = isEmpty ? 0 : count + 64
        end -= start
        start = 0
        unsafe base?.deallocate()
        unsafe base = smaller
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        unsafe append(source, bytes.count)
    }

    @inline(__always)
    package mutating func append(_ text: StaticString) {
        unsafe append(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount)
    }

    /// Nearly all pieces of a head are short and fit: they are copied without a function call.
    @inline(__always)
    private mutating func append(_ source: UnsafeRawPointer, _ count: Int) {
        guard count <= 32, end + count < capacity else { return unsafe appendLong(source, count) }
        unsafe Self.copyShort(source, count, to: base.unsafelyUnwrapped + end)
        end += count
    }

    @inline(never)
    private mutating func appendLong(_ source: UnsafeRawPointer, _ count: Int) {
        guard count > 0 else { return }
        unsafe reserve(count).copyMemory(from: source, byteCount: count)
        end += count
    }

    /// Copies bytes, short pieces without a function call; source and destination must not overlap.
    @inline(__always)
    static func copy(_ source: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer) {
        guard count <= 32 else { return unsafe room.copyMemory(from: source, byteCount: count) }
        unsafe copyShort(source, count, to: room)
    }

    /// Copies up to 32 bytes as two words, which overlap unless the count is twice their size.
    @inline(__always)
    private static func copyShort(_ source: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer) {
        if count >= 16 {
            unsafe copyEnds(SIMD16<UInt8>.self, source, count, to: room)
        } else if count >= 8 {
            unsafe copyEnds(UInt64.self, source, count, to: room)
        } else if count >= 4 {
            unsafe copyEnds(UInt32.self, source, count, to: room)
        } else if count >= 2 {
            unsafe copyEnds(UInt16.self, source, count, to: room)
        } else if count == 1 {
            unsafe copyEnds(UInt8.self, source, count, to: room)
        }
    }

    @inline(__always)
    private static func copyEnds<Word: BitwiseCopyable>(
        _ word: Word.Type, _ source: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer
    ) {
        let last = count - MemoryLayout<Word>.size
        let (head, tail) = unsafe (
            source.loadUnaligned(as: word), source.loadUnaligned(fromByteOffset: last, as: word)
        )
        unsafe room.storeBytes(of: head, as: word)
        unsafe room.storeBytes(of: tail, toByteOffset: last, as: word)
    }

    /// Appends another copy of a range of the unsent bytes.
    package mutating func append(copyOf range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "only what is there can be copied")
        let room = unsafe reserve(range.count)
        unsafe room.copyMemory(from: base.unsafelyUnwrapped + start + range.lowerBound, byteCount: range.count)
        end += range.count
    }

    @inline(__always)
    package mutating func append(_ byte: UInt8) {
        unsafe reserve(1).storeBytes(of: byte, as: UInt8.self)
        end += 1
    }

    package mutating func appendDecimal(_ value: UInt64) {
        end += unsafe WireNumber.writeDecimal(value, to: reserve(WireNumber.maximumDecimal))
    }

    package mutating func appendChunkLine(_ size: Int) {
        end += unsafe WireNumber.writeChunkLine(size: UInt64(size), to: reserve(WireNumber.maximumChunkLine))
    }

    /// Appends what `write` stores in the buffer passed to it, at most `limit` bytes.
    package mutating func append(upTo limit: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        end += unsafe write(UnsafeMutableRawBufferPointer(start: reserve(limit), count: limit))
    }

    /// Overwrites `count` of the unsent bytes, from `offset` on.
    package mutating func overwrite(at offset: Int, count: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        precondition(offset >= 0 && count >= 0 && offset + count <= self.count, "only what is there can be changed")
        unsafe write(base.unsafelyUnwrapped + start + offset)
    }

    /// Moves the unsent bytes from `offset` on, so that there are `count` more bytes before them.
    package mutating func insert(_ count: Int, at offset: Int) {
        let moved = self.count - offset
        precondition(offset >= 0 && moved >= 0, "only what is there can be moved")
        _ = unsafe reserve(count)
        let place = unsafe base.unsafelyUnwrapped + start + offset
        unsafe (place + count).copyMemory(from: place, byteCount: moved)
        end += count
    }

    /// Removes the last `count` of the unsent bytes.
    package mutating func removeLast(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "only what is there can be taken back")
        end -= count
    }

    /// Reserves space for `count` more bytes at the end.
    @inline(__always)
    private mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        // A buffer without memory allocates some even for zero bytes.
        if end + count >= capacity { grow(by: count) }
        return unsafe base.unsafelyUnwrapped + end
    }

    @inline(never)
    private mutating func grow(by count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(capacity * 2, self.count + count + 1, Self.initialCapacity), alignment: 16)
        unsafe larger.copyMemory(from: unsent)
        end -= start
        start = 0
        unsafe base?.deallocate()
        unsafe base = larger.baseAddress
        capacity = larger.count
    }
}
