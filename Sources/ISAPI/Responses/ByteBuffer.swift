/// Bytes collected at the end of one allocation, which is kept for the next use.
@safe
struct ByteBuffer: ~Copyable {
    private var storage = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    /// A request that waits has several of these, most of them nearly empty.
    private static let smallestCapacity = 256

    deinit {
        unsafe storage.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    /// The collected bytes; valid until the next mutation.
    @inline(__always)
    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: storage.baseAddress, count: count)
    }

    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
    }

    /// Removes the content; an allocation larger than `capacity` bytes is freed.
    mutating func removeAll(keepingUpTo capacity: Int = 2 << 10) {
        count = 0
        guard unsafe storage.count > capacity else { return }
        unsafe storage.deallocate()
        unsafe storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    /// Reserves `room` more bytes without a further allocation, so that addresses stay valid while they are used.
    @inline(__always)
    @discardableResult
    mutating func reserve(_ room: Int) -> UnsafeMutableRawPointer {
        if unsafe count + room > storage.count { grow(by: room) }
        return unsafe storage.baseAddress! + count
    }

    @inline(__always)
    mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        unsafe reserve(source.count).copyMemory(from: start, byteCount: source.count)
        count += source.count
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        unsafe reserve(1).storeBytes(of: byte, as: UInt8.self)
        count += 1
    }

    mutating func append(_ text: StaticString) {
        unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Labelled, so that literals do not become strings.
    mutating func append(text: String) {
        var text = text
        text.withUTF8 { utf8 in unsafe append(UnsafeRawBufferPointer(utf8)) }
    }

    mutating func append(decimal value: UInt64) {
        if value >= 10 { append(decimal: value / 10) }
        append(UInt8(ascii: "0") + UInt8(value % 10))
    }

    /// Converts UTF-8 to UTF-16, little-endian, with a NUL.
    mutating func widen() {
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        removeAll()
        for unit in text.utf16 {
            append(UInt8(truncatingIfNeeded: unit))
            append(UInt8(truncatingIfNeeded: unit >> 8))
        }
        append("\0\0")
    }

    /// Adds the bytes that were written to the reserved space to the content.
    mutating func commit(_ added: Int) {
        precondition(unsafe count + added <= storage.count)
        count += added
    }

    private mutating func grow(by room: Int) {
        let larger = unsafe UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(storage.count * 2, count + room, Self.smallestCapacity), alignment: 16)
        unsafe larger.copyMemory(from: bytes)
        unsafe storage.deallocate()
        unsafe storage = larger
    }
}
