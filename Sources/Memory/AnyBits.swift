/// A type of which every pattern of bits is a valid value, so that one can be loaded from any bytes.
@usableFromInline
package protocol AnyBits: BitwiseCopyable {}

extension UInt8: AnyBits {}
extension UInt16: AnyBits {}
extension UInt32: AnyBits {}
extension UInt64: AnyBits {}
extension UInt128: AnyBits {}
extension Int32: AnyBits {}
extension SIMD8: AnyBits where Scalar == UInt8 {}
extension SIMD16: AnyBits where Scalar == UInt8 {}
extension InlineArray: AnyBits where Element: AnyBits {}
