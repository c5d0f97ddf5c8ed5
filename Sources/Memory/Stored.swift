/// A reference to a value at a fixed address, which one owner allocates and frees.
///
/// It is what a pointer would be: it is not counted, and costs nothing to copy or to access. It is never nil and always
/// refers to one initialized value, so only its lifetime is left to its users: the type that allocates documents until
/// when the references it gives out are valid, and frees the value by `uncheckedDeallocate`.
@safe
@usableFromInline
package struct Stored<Value: ~Copyable>: BitwiseCopyable {
    @usableFromInline package let pointer: UnsafeMutablePointer<Value>

    /// - Parameter pointer: refers to an initialized value.
    @inlinable @inline(__always)
    package init(_ pointer: UnsafeMutablePointer<Value>) { unsafe self.pointer = pointer }

    @inlinable @inline(__always)
    package static func allocate(_ value: consuming Value) -> Stored {
        let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
        return unsafe Stored(pointer)
    }

    /// Destroys and frees a value that came from `allocate`: no reference to it may be used afterwards.
    @unsafe @inlinable @inline(__always)
    package func uncheckedDeallocate() {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    @inlinable
    package var value: Value {
        @_transparent
        unsafeAddress { unsafe UnsafePointer(pointer) }
        @_transparent
        nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// Whether both refer to the same value.
    @inlinable @inline(__always)
    package static func === (left: Stored, right: Stored) -> Bool { unsafe left.pointer == right.pointer }
}
