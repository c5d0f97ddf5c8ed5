import Memory

/// The integers of a field block: some bits of the first octet, then seven bits of each further octet (RFC 7541 §5.1).
enum HPACKInteger {
    /// The maximum number of octets after the first one; more can only be an overflow or redundant zeros.
    private static let maximumOctets = 5

    /// Decodes the integer at `offset`, which starts in the last `prefix` bits of its first octet, and advances
    /// `offset`.
    ///
    /// An integer that does not fit in 32 bits is rejected, never truncated.
    @inline(__always)
    static func decode(_ block: RawSpan, at offset: inout Int, prefix: Int) throws(HTTP2Fault) -> Int {
        guard offset < block.byteCount else { throw .truncatedFieldBlock }
        let mask = (1 << prefix) - 1
        let value = Int(block.byte(at: offset)) & mask
        offset += 1
        return value < mask ? value : try decodeRest(block, at: &offset, from: value)
    }

    @inline(never)
    private static func decodeRest(
        _ block: RawSpan, at offset: inout Int, from prefix: Int
    ) throws(HTTP2Fault) -> Int {
        var value = prefix
        for octet in 0..<maximumOctets {
            guard offset < block.byteCount else { throw .truncatedFieldBlock }
            let byte = Int(block.byte(at: offset))
            offset += 1
            value += (byte & 0x7F) << (7 * octet)
            guard value <= Int(UInt32.max) else { throw .integerOverflow }
            if byte < 0x80 { return value }
        }
        throw .integerOverflow
    }

    /// The maximum length of an encoded integer in bytes.
    static var maximumEncoded: Int { 11 }

    /// Writes `value` to the last `prefix` bits of an octet whose other bits are `flags`, and to the octets that
    /// follow; returns the number of bytes written.
    @inline(__always)
    static func encode(_ value: Int, prefix: Int, flags: UInt8, to output: MutableByteView) -> Int {
        let mask = (1 << prefix) - 1
        if value < mask {
            output[0] = flags | UInt8(truncatingIfNeeded: value)
            return 1
        }
        output[0] = flags | UInt8(truncatingIfNeeded: mask)
        var rest = value - mask
        var count = 1
        while rest >= 0x80 {
            let octet = UInt8(truncatingIfNeeded: rest | 0x80)
            output[count] = octet
            rest >>= 7
            count += 1
        }
        output[count] = UInt8(truncatingIfNeeded: rest)
        return count + 1
    }
}
