import Memory

/// Numbers as hexadecimal digits in lower case, without allocating.
enum HexDigits {
    /// Writes the number as 16 digits.
    static func write(_ value: UInt64, to text: MutableByteView) {
        text.store(spread(UInt32(truncatingIfNeeded: value >> 32)).littleEndian)
        text.store(spread(UInt32(truncatingIfNeeded: value)).littleEndian, at: 8)
    }

    /// Writes the byte as two digits.
    static func write(_ byte: UInt8, to text: MutableByteView) {
        let digits = spread(UInt32(byte) << 24)
        text.store(UInt16(truncatingIfNeeded: digits).littleEndian)
    }

    /// The eight digits of a number, the first one least significant.
    private static func spread(_ value: UInt32) -> UInt64 {
        var digits = UInt64(value.byteSwapped)
        digits = (digits & 0xFFFF) | (digits & 0xFFFF_0000) << 16
        digits = (digits & 0x0000_00FF_0000_00FF) | (digits & 0x0000_FF00_0000_FF00) << 8
        digits = (digits & 0x00F0_00F0_00F0_00F0) >> 4 | (digits & 0x000F_000F_000F_000F) << 8
        // One in each byte that is beyond 9, where letters begin.
        let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }
}
