import Memory

/// Field names as mapped by programs that use CGI's rules: case is ignored, and every byte other than letters and
/// digits becomes `_` (RFC 3875 §4.1.18).
///
/// Such a program reads `X_User` as `X-User`. Names of fields that only the gateway may set are therefore compared by
/// these rules, and not byte by byte.
package enum VariableName {
    /// The representative of all bytes that map to the same byte of a variable's name: the one that fields use.
    @inline(__always)
    static func folded(_ byte: UInt8) -> UInt8 {
        if byte &- 0x41 < 26 { return byte | 0x20 }
        return byte &- 0x61 < 26 || isDigit(byte) ? byte : 0x2D
    }

    package static func folded(_ name: [UInt8]) -> [UInt8] { name.map { folded($0) } }

    /// Whether the name contains bytes other than letters, digits and hyphens, so that another name may map to the same
    /// variable.
    @inline(__always)
    package static func isAmbiguous(_ name: RawSpan, from start: Int, to end: Int) -> Bool {
        name.first(from: start, to: end) { $0.outsideVariableNames } < end
    }

    /// Whether both names map to the same variable; `folded` has already been folded.
    package static func isSame(_ name: RawSpan, as folded: [UInt8]) -> Bool {
        guard name.byteCount == folded.count else { return false }
        for index in folded.indices where Self.folded(name.byte(at: index)) != folded[index] { return false }
        return true
    }

    package static func isSame(_ name: RawSpan, asVariableOf other: RawSpan) -> Bool {
        guard name.byteCount == other.byteCount else { return false }
        for index in 0..<name.byteCount where folded(name.byte(at: index)) != folded(other.byte(at: index)) {
            return false
        }
        return true
    }

    /// Whether the bytes map to the same variable as `name`, which is in lower case.
    package static func isSame(_ bytes: RawSpan, as name: StaticString) -> Bool {
        bytes.byteCount == name.utf8CodeUnitCount && hasPrefix(bytes, name)
    }

    package static func hasPrefix(_ bytes: RawSpan, _ prefix: StaticString) -> Bool {
        guard bytes.byteCount >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount {
            guard folded(bytes.byte(at: index)) == ByteView(prefix)[index] else { return false }
        }
        return true
    }
}
