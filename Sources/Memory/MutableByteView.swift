/// Bytes in memory that something else owns, to be written: the space for what a function produces.
///
/// As for `ByteView`, every access is checked against the bounds in every build, and the lifetime is what the owner
/// documents.
@safe
@usableFromInline
package struct MutableByteView: BitwiseCopyable {
    /// The address of the first byte; may be nil if there is none.
    @usableFromInline package let baseAddress: UnsafeMutableRawPointer?
    @usableFromInline package let count: Int

    /// - Parameter start: `count` bytes from here on must be writable as long as the view is used.
    @inlinable @inline(__always)
    package init(start: UnsafeMutableRawPointer?, count: Int) {
        precondition(count >= 0, "a view of less than nothing")
        unsafe baseAddress = start
        self.count = count
    }

    /// No bytes.
    @inlinable @inline(__always)
    package init() {
        unsafe baseAddress = nil
        count = 0
    }

    @inlinable @inline(__always)
    package init(_ bytes: UnsafeMutableRawBufferPointer) {
        unsafe baseAddress = bytes.baseAddress
        count = bytes.count
    }

    /// Allocates memory that one owner has to free; its bytes are undefined.
    @inlinable @inline(__always)
    package static func allocate(count: Int, alignment: Int = 16) -> MutableByteView {
        unsafe MutableByteView(start: .allocate(byteCount: count, alignment: alignment), count: count)
    }

    /// Frees memory that came from `allocate`: no view of it may be used afterwards.
    @unsafe @inlinable @inline(__always)
    package func uncheckedDeallocate() { unsafe baseAddress?.deallocate() }

    /// The bytes as a pointer, for calls of C.
    @inlinable
    package var raw: UnsafeMutableRawBufferPointer {
        @inline(__always) get { unsafe UnsafeMutableRawBufferPointer(start: baseAddress, count: count) }
    }

    /// The bytes as C declares them.
    @inlinable
    package var octets: UnsafeMutablePointer<UInt8>? {
        @inline(__always) get { unsafe baseAddress?.assumingMemoryBound(to: UInt8.self) }
    }

    /// The same bytes, to be read.
    @inlinable
    package var view: ByteView {
        @inline(__always) get { unsafe ByteView(unchecked: UnsafeRawPointer(baseAddress), count: count) }
    }

    @inlinable
    package var isEmpty: Bool {
        @inline(__always) get { count == 0 }
    }

    @inlinable
    package subscript(index: Int) -> UInt8 {
        @inline(__always)
        get { view[index] }
        @inline(__always)
        nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "a byte outside the view")
            unsafe baseAddress.unsafelyUnwrapped.storeBytes(of: newValue, toByteOffset: index, as: UInt8.self)
        }
    }

    @inlinable
    package subscript(range: Range<Int>) -> MutableByteView {
        @inline(__always)
        get {
            precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes outside the view")
            return unsafe part(uncheckedFrom: range.lowerBound, count: range.upperBound &- range.lowerBound)
        }
    }

    @inlinable
    package subscript(range: PartialRangeUpTo<Int>) -> MutableByteView {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: range.upperBound) <= UInt(bitPattern: count), "bytes outside the view")
            return unsafe part(uncheckedFrom: 0, count: range.upperBound)
        }
    }

    @inlinable
    package subscript(range: PartialRangeFrom<Int>) -> MutableByteView {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: range.lowerBound) <= UInt(bitPattern: count), "bytes outside the view")
            return unsafe part(uncheckedFrom: range.lowerBound, count: count &- range.lowerBound)
        }
    }

    /// Bytes that are known to be in the view. Without a branch for a view without an address, which has no bytes.
    @unsafe @inlinable @inline(__always)
    func part(uncheckedFrom start: Int, count: Int) -> MutableByteView {
        unsafe MutableByteView(
            unchecked: UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: baseAddress) &+ UInt(bitPattern: start)),
            count: count)
    }

    @unsafe @inlinable @inline(__always)
    init(unchecked start: UnsafeMutableRawPointer?, count: Int) {
        unsafe baseAddress = start
        self.count = count
    }

    /// Stores a value; its bytes may have any alignment.
    @inlinable @inline(__always)
    package func store<Value: BitwiseCopyable>(_ value: Value, at offset: Int = 0) {
        precondition(offset >= 0 && MemoryLayout<Value>.size <= count - offset, "bytes outside the view")
        unsafe baseAddress.unsafelyUnwrapped.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    }

    /// Copies bytes to `offset`.
    @inlinable @inline(__always)
    package func copy(_ source: [UInt8], to offset: Int = 0) { source.withBytes { copy($0, to: offset) } }

    /// Copies bytes, which may overlap, to `offset`.
    @inlinable @inline(__always)
    package func copy(_ source: ByteView, to offset: Int = 0) {
        precondition(offset >= 0 && source.count <= count - offset, "bytes outside the view")
        guard let from = unsafe source.baseAddress else { return }
        unsafe (baseAddress.unsafelyUnwrapped + offset).copyMemory(from: from, byteCount: source.count)
    }

    /// Like `copy`, for bytes that are nearly always few: up to 32 are copied without a function call.
    @inlinable @inline(__always)
    package func copyShort(_ source: ByteView, to offset: Int = 0) {
        precondition(offset >= 0 && source.count <= count - offset, "bytes outside the view")
        guard source.count > 0 else { return }
        unsafe ShortCopy.copy(
            source.baseAddress.unsafelyUnwrapped, source.count, to: baseAddress.unsafelyUnwrapped + offset)
    }

    /// Copies the bytes of `range` to `offset`; both may overlap.
    @inlinable @inline(__always)
    package func move(_ range: Range<Int>, to offset: Int) { copy(view[range], to: offset) }

    @inlinable @inline(__always)
    package func prefix(_ length: Int) -> MutableByteView { self[..<min(length, count)] }

    @inlinable @inline(__always)
    package func suffix(_ length: Int) -> MutableByteView { self[(count - min(length, count))...] }

    @inlinable @inline(__always)
    package func fill(with byte: UInt8) {
        guard let base = unsafe baseAddress else { return }
        unsafe base.initializeMemory(as: UInt8.self, repeating: byte, count: count)
    }
}

extension ByteView {
    @inlinable @inline(__always)
    package init(_ bytes: MutableByteView) { self = bytes.view }
}

/// Calls `body` with `count` undefined bytes on the stack, which are valid until it returns.
@inlinable @inline(__always)
package func withTemporaryBytes<Result>(_ count: Int, _ body: (MutableByteView) throws -> Result) rethrows -> Result {
    try unsafe withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { room in
        try unsafe body(MutableByteView(room))
    }
}
