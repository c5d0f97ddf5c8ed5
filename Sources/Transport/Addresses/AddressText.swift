import Memory

/// Formats IP addresses as text directly into an output buffer, because every forwarded request names its client.
enum AddressText {
    /// The maximum length of an address in bytes: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
    static var maximum: Int { 45 }

    /// A string of the bytes that `write` stores in the buffer passed to it. It has no spare capacity: connections keep
    /// some of these strings.
    static func string(upTo limit: Int, _ write: (MutableByteView) -> Int) -> String {
        withTemporaryBytes(limit) { room in
            String(decoding: room[..<write(room)].view, as: UTF8.self)
        }
    }

    /// Writes `192.0.2.1` and returns its length.
    static func writeIPv4(_ bits: UInt32, to output: MutableByteView) -> Int {
        var end = 0
        for part in 0..<4 as Range<UInt32> {
            if part > 0 { put(UInt8(ascii: "."), output, &end) }
            let value = bits >> (24 - 8 * part) & 0xFF
            if value >= 100 { putDigit(value / 100, output, &end) }
            if value >= 10 { putDigit(value / 10 % 10, output, &end) }
            putDigit(value % 10, output, &end)
        }
        return end
    }

    /// Writes `2001:db8::1` and returns its length. The text is in lower case and without leading zeros; the first of
    /// the longest runs of two or more zero groups is omitted (RFC 5952 §4), and a mapped or embedded IPv4 address is
    /// written in dotted decimal (§5).
    static func writeIPv6(_ bits: UInt128, to output: MutableByteView) -> Int {
        let omitted = longestZeroRun(bits)
        let endsInIPv4 =
            omitted.lowerBound == 0 && (omitted.count == 6 || omitted.count == 5 && group(5, of: bits) == 0xFFFF)
        var end = 0
        var index = 0
        while index < 8 {
            if index == omitted.lowerBound, !omitted.isEmpty {
                put(UInt8(ascii: ":"), output, &end)
                index = omitted.upperBound
                if index == 8 { put(UInt8(ascii: ":"), output, &end) }
                continue
            }
            if index > 0 { put(UInt8(ascii: ":"), output, &end) }
            if index == 6 && endsInIPv4 {
                return end + writeIPv4(UInt32(truncatingIfNeeded: bits), to: output[end...])
            }
            writeGroup(group(index, of: bits), output, &end)
            index += 1
        }
        return end
    }

    private static func longestZeroRun(_ bits: UInt128) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || group(index, of: bits) != 0 {
            if index - start >= 2, index - start > longest.count { longest = start..<index }
            start = index + 1
        }
        return longest
    }

    private static func group(_ index: Int, of bits: UInt128) -> UInt16 {
        UInt16(truncatingIfNeeded: bits >> UInt128(16 * (7 - index)))
    }

    private static func writeGroup(_ group: UInt16, _ output: MutableByteView, _ end: inout Int) {
        let digits = max(1, (16 - group.leadingZeroBitCount + 3) / 4)
        for index in (0..<digits).reversed() {
            let digit = UInt8(truncatingIfNeeded: group >> UInt16(4 * index)) & 15
            put(digit < 10 ? 0x30 + digit : 0x57 + digit, output, &end)
        }
    }

    @inline(__always)
    private static func putDigit(_ digit: UInt32, _ output: MutableByteView, _ end: inout Int) {
        put(UInt8(truncatingIfNeeded: 0x30 &+ digit), output, &end)
    }

    @inline(__always)
    private static func put(_ byte: UInt8, _ output: MutableByteView, _ end: inout Int) {
        output[end] = byte
        end += 1
    }
}
