import Memory

/// Numbers as hexadecimal digits in lower case, without allocating.
enum HexDigits {
    /// - Parameter count: the number of digits, which are the last of the number; the text has room for them.
    static func write(_ value: UInt64, digits count: Int, to text: MutableByteView) {
        var rest = value
        for index in (0..<count).reversed() {
            let nibble = UInt8(truncatingIfNeeded: rest) & 15
            text[index] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble
            rest >>= 4
        }
    }
}
