/// The bytes of values without references, and the numbers inside of values that C declares, such as socket addresses.
@usableFromInline
package enum BytesOfValues {
    /// Loads a number from `offset` of the value's memory.
    @inlinable @inline(__always)
    package static func load<Value, Number: AnyBits>(
        _ type: Number.Type, from value: Value, at offset: Int = 0
    ) -> Number {
        precondition(_isPOD(Value.self), "a value of C")
        return unsafe withUnsafeBytes(of: value) { unsafe ByteView($0).load(at: offset, as: type) }
    }

    /// Stores a number at `offset` of the value's memory.
    @inlinable @inline(__always)
    package static func store<Value, Number: AnyBits>(
        _ number: Number, in value: inout Value, at offset: Int = 0
    ) {
        precondition(_isPOD(Value.self), "a value of C")
        unsafe withUnsafeMutableBytes(of: &value) { unsafe MutableByteView($0).store(number, at: offset) }
    }

    /// Calls `body` with the bytes of the value, which are valid until it returns.
    @inlinable @inline(__always)
    package static func with<Value, Result>(_ value: Value, _ body: (ByteView) throws -> Result) rethrows -> Result {
        precondition(_isPOD(Value.self), "a value of C")
        return try unsafe withUnsafeBytes(of: value) { try unsafe body(ByteView($0)) }
    }

    /// Calls `body` with the bytes of the value, to be overwritten, which are valid until it returns.
    @inlinable @inline(__always)
    package static func withMutable<Value: AnyBits, Result>(
        _ value: inout Value, _ body: (MutableByteView) throws -> Result
    ) rethrows -> Result {
        try unsafe withUnsafeMutableBytes(of: &value) { try unsafe body(MutableByteView($0)) }
    }
}
