/// Integers of a field block: some bits of the first octet, then seven of each that follows (RFC 7541 §5.1).
enum HPACKInteger {
    /// Octets behind the first one; more hold nothing that fits, or nothing at all.
    private static let maximumOctets = 5

    /// Reads the integer at `offset`, whose first octet has it in its last `prefix` bits, and steps over it.
    ///
    /// One that does not fit in 32 bits is refused, never cut off.
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

    /// Bytes an encoded integer takes at most.
    static var maximumEncoded: Int { 11 }

    /// Writes `value` into the last `prefix` bits of an octet that is otherwise `flags`, and those that follow; returns
    /// how many bytes that took.
    @inline(__always)
    static func encode(_ value: Int, prefix: Int, flags: UInt8, to output: UnsafeMutableRawPointer) -> Int {
        let mask = (1 << prefix) - 1
        if value < mask {
            unsafe output.storeBytes(of: flags | UInt8(truncatingIfNeeded: value), as: UInt8.self)
            return 1
        }
        unsafe output.storeBytes(of: flags | UInt8(truncatingIfNeeded: mask), as: UInt8.self)
        var rest = value - mask
        var count = 1
        while rest >= 0x80 {
            let octet = UInt8(truncatingIfNeeded: rest | 0x80)
            unsafe output.storeBytes(of: octet, toByteOffset: count, as: UInt8.self)
            rest >>= 7
            count += 1
        }
        unsafe output.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
        return count + 1
    }
}
