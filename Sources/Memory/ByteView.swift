import Glibc

/// A read-only view of bytes in memory that something else owns.
///
/// Every access is checked against the bounds, in release builds too. The lifetime is not checked: whatever returns a
/// view, or passes one to a closure, documents how long the bytes stay valid and unchanged, and a view is not kept
/// beyond that. Only a view of immortal bytes, for example of a `StaticString`, may be kept anywhere.
///
/// Indices start at 0. A subscript by a range returns a view whose indices start at 0 as well.
@safe
@usableFromInline
package struct ByteView: BitwiseCopyable {
    /// The address of the first byte; may be nil if there is none.
    @usableFromInline package let baseAddress: UnsafeRawPointer?
    @usableFromInline package let count: Int

    /// - Parameter start: `count` bytes from here on must be readable as long as the view is used.
    @inlinable @inline(__always)
    package init(start: UnsafeRawPointer?, count: Int) {
        precondition(count >= 0, "a view of less than nothing")
        unsafe baseAddress = start
        self.count = count
    }

    @inlinable @inline(__always)
    package init(_ bytes: UnsafeRawBufferPointer) {
        unsafe baseAddress = bytes.baseAddress
        count = bytes.count
    }

    @inlinable @inline(__always)
    package init(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe self.init(UnsafeRawBufferPointer(bytes))
    }

    /// A view of nothing.
    @inlinable @inline(__always)
    package init() {
        unsafe baseAddress = nil
        count = 0
    }

    /// The text's bytes, which are immortal.
    @inlinable @inline(__always)
    package init(_ text: StaticString) {
        unsafe baseAddress = UnsafeRawPointer(text.utf8Start)
        count = text.utf8CodeUnitCount
    }

    /// The bytes as a pointer, for calls of C and the kernels that scan memory.
    @inlinable
    package var raw: UnsafeRawBufferPointer {
        @inline(__always) get { unsafe UnsafeRawBufferPointer(start: baseAddress, count: count) }
    }

    /// The bytes as C declares them.
    @inlinable
    package var octets: UnsafePointer<UInt8>? {
        @inline(__always) get { unsafe baseAddress?.assumingMemoryBound(to: UInt8.self) }
    }

    @inlinable
    package var span: Span<UInt8> {
        @inline(__always)
        @_lifetime(borrow self)
        get {
            let span = unsafe Span<UInt8>(_unsafeElements: UnsafeBufferPointer(start: octets, count: count))
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    @inlinable
    package var bytes: RawSpan {
        @inline(__always)
        @_lifetime(borrow self)
        get {
            let span = unsafe raw.bytes
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    @inlinable
    package var isEmpty: Bool {
        @inline(__always) get { count == 0 }
    }

    @inlinable
    package subscript(range: Range<Int>) -> ByteView {
        @inline(__always)
        get {
            precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes outside the view")
            return unsafe part(uncheckedFrom: range.lowerBound, count: range.upperBound &- range.lowerBound)
        }
    }

    @inlinable
    package subscript(range: PartialRangeUpTo<Int>) -> ByteView {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: range.upperBound) <= UInt(bitPattern: count), "bytes outside the view")
            return unsafe part(uncheckedFrom: 0, count: range.upperBound)
        }
    }

    @inlinable
    package subscript(range: PartialRangeFrom<Int>) -> ByteView {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: range.lowerBound) <= UInt(bitPattern: count), "bytes outside the view")
            return unsafe part(uncheckedFrom: range.lowerBound, count: count &- range.lowerBound)
        }
    }

    /// Bytes that are known to be in the view. Without a branch for a view without an address, which has no bytes.
    @unsafe @inlinable @inline(__always)
    func part(uncheckedFrom start: Int, count: Int) -> ByteView {
        unsafe ByteView(
            unchecked: UnsafeRawPointer(bitPattern: UInt(bitPattern: baseAddress) &+ UInt(bitPattern: start)),
            count: count)
    }

    @unsafe @inlinable @inline(__always)
    init(unchecked start: UnsafeRawPointer?, count: Int) {
        unsafe baseAddress = start
        self.count = count
    }

    /// At most the first `length` bytes.
    @inlinable @inline(__always)
    package func prefix(_ length: Int) -> ByteView { self[..<Swift.min(length, count)] }

    /// At most the last `length` bytes.
    @inlinable @inline(__always)
    package func suffix(_ length: Int) -> ByteView { self[(count - Swift.min(length, count))...] }

    @inlinable @inline(__always)
    package func dropFirst(_ length: Int = 1) -> ByteView { self[Swift.min(length, count)...] }

    @inlinable @inline(__always)
    package func dropLast(_ length: Int = 1) -> ByteView { self[..<(count - Swift.min(length, count))] }

    /// Loads a number whose bytes may have any alignment.
    @inlinable @inline(__always)
    package func load<Value: AnyBits>(at offset: Int, as type: Value.Type) -> Value {
        precondition(offset >= 0 && MemoryLayout<Value>.size <= count - offset, "bytes outside the view")
        return unsafe baseAddress.unsafelyUnwrapped.loadUnaligned(fromByteOffset: offset, as: type)
    }
}

extension ByteView: RandomAccessCollection {
    @usableFromInline
    package typealias SubSequence = Slice<ByteView>

    @usableFromInline
    package struct Iterator: IteratorProtocol {
        @usableFromInline let view: ByteView
        @usableFromInline var position = 0

        @inlinable @inline(__always)
        init(_ view: ByteView) { self.view = view }

        @inlinable @inline(__always)
        package mutating func next() -> UInt8? {
            guard position < view.count else { return nil }
            defer { position &+= 1 }
            return unsafe view.baseAddress.unsafelyUnwrapped.load(fromByteOffset: position, as: UInt8.self)
        }
    }

    @inlinable @inline(__always)
    package func makeIterator() -> Iterator { Iterator(self) }

    @inlinable
    package var startIndex: Int {
        @inline(__always) get { 0 }
    }

    @inlinable
    package var endIndex: Int {
        @inline(__always) get { count }
    }

    @inlinable
    package subscript(index: Int) -> UInt8 {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "a byte outside the view")
            return unsafe baseAddress.unsafelyUnwrapped.load(fromByteOffset: index, as: UInt8.self)
        }
    }

    @inlinable @inline(__always)
    package func firstIndex(of byte: UInt8) -> Int? {
        guard let base = unsafe baseAddress, let found = unsafe memchr(base, Int32(byte), count) else { return nil }
        return unsafe UnsafeRawPointer(found) - base
    }

    /// The first index at or after `start` whose byte satisfies the condition; an index of this view.
    @inlinable @inline(__always)
    package func firstIndex(from start: Int, where condition: (UInt8) -> Bool) -> Int? {
        var index = start
        while index < count {
            if condition(self[index]) { return index }
            index += 1
        }
        return nil
    }

    @inlinable @inline(__always)
    package func contains(_ byte: UInt8) -> Bool { firstIndex(of: byte) != nil }

    @inlinable @inline(__always)
    package func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        try unsafe raw.withContiguousStorageIfAvailable(body)
    }

    @inlinable @inline(__always)
    package func _copyContents(initializing buffer: UnsafeMutableBufferPointer<UInt8>) -> (Iterator, Int) {
        let copied = Swift.min(count, buffer.count)
        if copied > 0 {
            unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(start: baseAddress, count: copied))
        }
        var rest = Iterator(self)
        rest.position = copied
        return (rest, copied)
    }
}

extension ByteView: Equatable {
    @inlinable @inline(__always)
    package static func == (left: ByteView, right: ByteView) -> Bool {
        guard left.count == right.count else { return false }
        guard let one = unsafe left.baseAddress, let two = unsafe right.baseAddress else { return true }
        return unsafe memcmp(one, two, left.count) == 0
    }

    @inlinable @inline(__always)
    package func starts(with prefix: ByteView) -> Bool {
        count >= prefix.count && self[0..<prefix.count] == prefix
    }
}

extension Array where Element == UInt8 {
    /// Calls `body` with the bytes, which are valid until it returns.
    @inlinable @inline(__always)
    package func withBytes<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
        try unsafe withUnsafeBytes { try unsafe body(ByteView($0)) }
    }
}

extension Array where Element == UInt8 {
    /// Calls `body` with the bytes, to be overwritten, which are valid until it returns.
    @inlinable @inline(__always)
    package mutating func withMutableBytes<Result>(_ body: (MutableByteView) throws -> Result) rethrows -> Result {
        try unsafe withUnsafeMutableBytes { try unsafe body(MutableByteView($0)) }
    }
}

extension ArraySlice where Element == UInt8 {
    /// Calls `body` with the bytes, which are valid until it returns.
    @inlinable @inline(__always)
    package func withBytes<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
        try unsafe withUnsafeBytes { try unsafe body(ByteView($0)) }
    }
}

extension RawSpan {
    /// Calls `body` with the bytes, which are valid until it returns.
    @inlinable @inline(__always)
    package func withBytes<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
        try unsafe withUnsafeBytes { try unsafe body(ByteView($0)) }
    }
}

extension Span where Element == UInt8 {
    /// The bytes as such, of which every pattern is valid.
    @inlinable
    package var rawBytes: RawSpan {
        @inline(__always)
        @_lifetime(copy self)
        get { unsafe bytes }
    }

    /// Calls `body` with the bytes, which are valid until it returns.
    @inlinable @inline(__always)
    package func withBytes<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
        try unsafe withUnsafeBytes { try unsafe body(ByteView($0)) }
    }
}

extension String {
    /// Calls `body` with the text in UTF-8, which is valid until it returns.
    @inlinable @inline(__always)
    package func withBytes<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
        var text = self
        return try text.withUTF8 { try unsafe body(ByteView($0)) }
    }
}
