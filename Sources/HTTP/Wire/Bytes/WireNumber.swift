import Memory

/// Formats numbers for heads and chunks directly into an output buffer.
package enum WireNumber {
    /// The maximum length of a decimal number in bytes.
    package static var maximumDecimal: Int { 20 }
    /// The maximum length of a hexadecimal number in bytes.
    package static var maximumHexadecimal: Int { 16 }
    /// The maximum length of a chunk-size line in bytes.
    package static var maximumChunkLine: Int { maximumHexadecimal + 2 }

    /// Writes decimal digits and returns their number.
    package static func writeDecimal(_ value: UInt64, to output: MutableByteView) -> Int {
        var count = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        rest = value
        var index = count
        repeat {
            index -= 1
            output[index] = 0x30 + UInt8(rest % 10)
            rest /= 10
        } while index > 0
        return count
    }

    /// Writes lower-case hexadecimal digits and returns their number.
    package static func writeHexadecimal(_ value: UInt64, to output: MutableByteView) -> Int {
        let count = max(1, (64 - value.leadingZeroBitCount + 3) / 4)
        for index in 0..<count {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(4 * (count - 1 - index))) & 15
            let byte = digit < 10 ? 0x30 + digit : 0x57 + digit
            output[index] = byte
        }
        return count
    }

    /// Writes the line before a chunk's data, `size CRLF` (RFC 9112 §7.1), and returns its length.
    ///
    /// A size of 0 would end the body; it is not treated specially.
    package static func writeChunkLine(size: UInt64, to output: MutableByteView) -> Int {
        let count = writeHexadecimal(size, to: output)
        output[count] = ASCII.carriageReturn
        output[count + 1] = ASCII.lineFeed
        return count + 2
    }
}
