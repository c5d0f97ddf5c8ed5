/// Memory for bytes, allocated with the value and freed with it.
///
/// `room` and the views made of it are valid as long as the value exists. The bytes are undefined until they are
/// written.
@safe
@usableFromInline
package struct OwnedBytes: ~Copyable {
    @usableFromInline package let room: MutableByteView

    @inlinable @inline(__always)
    package init(count: Int, alignment: Int = 16) { room = .allocate(count: count, alignment: alignment) }

    /// No memory.
    @inlinable @inline(__always)
    package init() { room = unsafe MutableByteView(start: nil, count: 0) }

    /// Memory with a copy of `bytes`.
    @inlinable
    package init(_ bytes: [UInt8]) {
        self.init(count: bytes.count)
        room.copy(bytes)
    }

    /// Memory with a copy of `bytes`.
    @inlinable
    package init(_ bytes: ByteView) {
        self.init(count: bytes.count)
        room.copy(bytes)
    }

    @inlinable
    deinit { unsafe room.uncheckedDeallocate() }

    @inlinable
    package var count: Int {
        @inline(__always) get { room.count }
    }

    @inlinable
    package var isEmpty: Bool {
        @inline(__always) get { room.count == 0 }
    }

    @inlinable
    package var view: ByteView {
        @inline(__always) get { room.view }
    }
}
