/// A reference to an object that something else keeps alive; not counted.
///
/// The type that stores one documents what keeps the object alive for as long: an exchange does not outlive its
/// connection, nor a session its pool. `init(unchecked:)` is the promise; the accesses follow from it.
@safe
@usableFromInline
package struct Unretained<Object: AnyObject>: BitwiseCopyable {
    @usableFromInline let object: Unmanaged<Object>

    /// The object must outlive every use of the reference.
    @unsafe @inlinable @inline(__always)
    package init(unchecked object: Object) { unsafe self.object = .passUnretained(object) }

    /// An object of this type must be at the address, and outlive every use of the reference.
    @unsafe @inlinable @inline(__always)
    package init(uncheckedAt address: UnsafeRawPointer) { unsafe object = .fromOpaque(address) }

    @inlinable
    package var value: Object {
        @inline(__always) get { unsafe object.takeUnretainedValue() }
    }

    /// Accesses the object without counting a reference.
    @inlinable @inline(__always)
    package func with<Result>(_ body: (Object) throws -> Result) rethrows -> Result {
        try unsafe object._withUnsafeGuaranteedRef { try body($0) }
    }
}
