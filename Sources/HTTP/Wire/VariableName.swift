/// Field names as programs see them that read requests by CGI's rules: letters in any case, and everything that is no
/// letter and no digit as `_` (RFC 3875 §4.1.18).
///
/// Such a program takes `X_User` for `X-User`. What is sent under a name that the gateway vouches for is therefore
/// compared by these rules, and not byte by byte.
package enum VariableName {
    /// One spelling for all bytes that stand for the same byte of a variable's name: the one that fields use.
    @inline(__always)
    static func folded(_ byte: UInt8) -> UInt8 {
        if byte &- 0x41 < 26 { return byte | 0x20 }
        return byte &- 0x61 < 26 || isDigit(byte) ? byte : 0x2D
    }

    package static func folded(_ name: [UInt8]) -> [UInt8] { name.map { folded($0) } }

    /// Whether the name has bytes besides letters, digits and hyphens, so that another name may stand for the same
    /// variable.
    @inline(__always)
    package static func isAmbiguous(_ name: RawSpan, from start: Int, to end: Int) -> Bool {
        name.first(from: start, to: end) { $0.outsideVariableNames } < end
    }

    /// Whether both names stand for one variable; `folded` is one already.
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

    /// Whether the bytes stand for the variable that `name`, in lower case, stands for.
    package static func isSame(_ bytes: RawSpan, as name: StaticString) -> Bool {
        bytes.byteCount == name.utf8CodeUnitCount && hasPrefix(bytes, name)
    }

    package static func hasPrefix(_ bytes: RawSpan, _ prefix: StaticString) -> Bool {
        guard bytes.byteCount >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount {
            guard unsafe folded(bytes.byte(at: index)) == prefix.utf8Start[index] else { return false }
        }
        return true
    }
}
