/// Bytes on their way to a peer: appended at the end, sent from the front.
@safe
package struct OutputBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    /// Bytes at `base`.
    private var capacity = 0
    private var start = 0
    private var end = 0

    private static let initialCapacity = 16 << 10
    /// A buffer that grew beyond this is not kept for the next request.
    private static let keptCapacity = 256 << 10

    /// Takes memory with the first byte: a request that waits has nothing to send.
    package init() {
        unsafe base = nil
    }

    deinit {
        unsafe base?.deallocate()
    }

    package var count: Int { end - start }
    package var isEmpty: Bool { start == end }

    /// The bytes not sent yet.
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

    @inline(__always)
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        let room = unsafe reserve(bytes.count)
        unsafe room.copyMemory(from: source, byteCount: bytes.count)
        end += bytes.count
    }

    @inline(__always)
    package mutating func append(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        unsafe reserve(count).copyMemory(from: text.utf8Start, byteCount: count)
        end += count
    }

    /// Appends once more what stands at `range` of the bytes not sent yet.
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

    /// Adds what `write` puts into the room it is given, at most `limit` bytes.
    package mutating func append(upTo limit: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        end += unsafe write(UnsafeMutableRawBufferPointer(start: reserve(limit), count: limit))
    }

    /// Room for `count` more bytes, at the end.
    @inline(__always)
    private mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        // A buffer without memory gets some even for nothing.
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
