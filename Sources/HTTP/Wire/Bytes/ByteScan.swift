/// Bytes with a meaning in the grammar.
enum ASCII {
    static var tab: UInt8 { 0x09 }
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var space: UInt8 { 0x20 }
    static var quote: UInt8 { 0x22 }
    static var percent: UInt8 { 0x25 }
    static var comma: UInt8 { 0x2C }
    static var dot: UInt8 { 0x2E }
    static var slash: UInt8 { 0x2F }
    static var backslash: UInt8 { 0x5C }
    static var colon: UInt8 { 0x3A }
    static var semicolon: UInt8 { 0x3B }
    static var question: UInt8 { 0x3F }
    /// CRLF, with the CR least significant.
    static var lineEnd: UInt16 { 0x0A0D }
}

/// Bounds-checked reading and searching of received bytes, sixteen at a time.
///
/// This is the only part of the parsers that reads memory. Every load below is checked against the span's bounds, so a
/// mistake elsewhere stops the process instead of reading adjacent memory.
extension RawSpan {
    @inline(__always)
    package func byte(at offset: Int) -> UInt8 {
        precondition(UInt(bitPattern: offset) < UInt(bitPattern: byteCount), "a byte outside the input")
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// Eight bytes from `offset`, the first one least significant.
    @inline(__always)
    func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Four bytes from `offset`, the first one least significant.
    @inline(__always)
    func halfWord(at offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Two bytes from `offset`, the first one least significant.
    @inline(__always)
    func pair(at offset: Int) -> UInt16 {
        UInt16(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The bytes from `offset`, fewer than sixteen; bytes beyond the end are 0.
    @inline(never)
    private func lastLanes(at offset: Int) -> ByteLanes {
        let count = byteCount - offset
        if count >= 8 {
            return ByteLanes(low: word(at: offset), high: word(at: byteCount - 8) >> UInt64(8 * (16 - count)))
        }
        if byteCount >= 8 { return ByteLanes(low: word(at: byteCount - 8) >> UInt64(8 * (8 - count)), high: 0) }
        var low: UInt64 = 0
        for index in (offset..<byteCount).reversed() { low = low << 8 | UInt64(byte(at: index)) }
        return ByteLanes(low: low, high: 0)
    }

    /// The first offset in `start..<end` whose byte `matches` selects, or `end`.
    @inline(__always)
    func first(from start: Int, to end: Int, where matches: (ByteLanes) -> ByteLanes.Matches) -> Int {
        precondition(start >= 0, "a byte outside the input")
        var offset = start
        // Bytes beyond `end` are compared too, but their results are ignored.
        while offset < end, offset <= byteCount &- ByteLanes.count {
            let lanes = ByteLanes(unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD16<UInt8>.self))
            if let found = ByteLanes.first(matches(lanes)) { return min(offset &+ found, end) }
            offset &+= ByteLanes.count
        }
        guard offset < end, let found = ByteLanes.first(matches(lastLanes(at: offset))) else { return end }
        return min(offset &+ found, end)
    }

    @inline(__always)
    func first(_ value: UInt8, from start: Int, to end: Int) -> Int {
        first(from: start, to: end) { $0.equal(to: value) }
    }

    /// The first byte from `start` on that is not ASCII between `lowest` and `~`, or is one of the two others; the count
    /// if there is none.
    package func firstToEscape(from start: Int, lowest: UInt8, _ one: UInt8, _ other: UInt8) -> Int {
        first(from: start, to: byteCount) { lanes in
            lanes.outside(lowest, 0x7E) .| lanes.equal(to: one) .| lanes.equal(to: other)
        }
    }

    /// The range without leading and trailing spaces and tabs (OWS, RFC 9110 §5.6.3).
    @inline(__always)
    func trimmed(_ start: Int, _ end: Int) -> (start: Int, end: Int) {
        var start = start
        var end = end
        while start < end, isBlank(byte(at: start)) { start += 1 }
        while end > start, isBlank(byte(at: end - 1)) { end -= 1 }
        return (start, end)
    }

    /// Calls `body` with the bounds of each element of a comma-separated list (RFC 9110 §5.6.1), including empty ones.
    @inline(__always)
    package func forEachElement(from start: Int, to end: Int, _ body: (_ start: Int, _ end: Int) -> Void) {
        var next = start
        while next < end {
            let comma = first(ASCII.comma, from: next, to: end)
            let element = trimmed(next, comma)
            body(element.start, element.end)
            next = comma + 1
        }
    }

    /// Whether the bytes equal `text`, ignoring the case of letters. `text` is lower case.
    @inline(__always)
    package func equals(_ text: StaticString, from start: Int, to end: Int) -> Bool {
        end - start == text.utf8CodeUnitCount && hasPrefix(text, from: start, to: end)
    }

    /// Whether the bytes begin with `text`, ignoring the case of letters. `text` is lower case.
    ///
    /// The remainder of a longer text is compared together with bytes before it.
    @inline(__always)
    package func hasPrefix(_ text: StaticString, from start: Int, to end: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - start >= count else { return false }
        if count >= 8 {
            var offset = 0
            while count - offset >= 8 {
                guard Self.isEqual(word(at: start + offset), text.load(at: offset)) else { return false }
                offset += 8
            }
            return offset == count || Self.isEqual(word(at: start + count - 8), text.load(at: count - 8))
        }
        if count >= 4 {
            return Self.isEqual(halfWord(at: start), text.load(at: 0))
                && Self.isEqual(halfWord(at: start + count - 4), text.load(at: count - 4))
        }
        if count >= 2 {
            return Self.isEqual(pair(at: start), text.load(at: 0))
                && Self.isEqual(pair(at: start + count - 2), text.load(at: count - 2))
        }
        return count == 0 || Self.isEqual(byte(at: start), text.load(at: 0))
    }

    /// Whether two words are equal, where lower-case letters of `text` also match capitals.
    @inline(__always)
    private static func isEqual<Word: FixedWidthInteger & UnsignedInteger>(_ bytes: Word, _ text: Word) -> Bool {
        // No addition below carries into the next byte: the text is ASCII, so its bytes have seven bits.
        let ones = Word.max / 0xFF
        let fromA = text &+ (ones &* (0x80 - 0x61))
        let beyondZ = text &+ (ones &* (0x80 - 0x7B))
        let letters = fromA & ~beyondZ & (ones &* 0x80)
        return (bytes ^ text) & ~(letters &>> 2) == 0
    }
}

extension StaticString {
    /// A word from `offset`, its first byte least significant; all its bytes must be before the end.
    @inline(__always)
    fileprivate func load<Word: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Word {
        assert(offset + Word.bitWidth / 8 <= utf8CodeUnitCount)
        return Word(littleEndian: unsafe (UnsafeRawPointer(utf8Start) + offset).loadUnaligned(as: Word.self))
    }
}

/// A set of ASCII bytes as two bit masks: lookups need no table in memory.
struct ByteSet: BitwiseCopyable {
    let low: UInt64
    let high: UInt64

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let mask = byte < 64 ? low : high
        return byte < 128 && (mask &>> UInt64(byte & 63)) & 1 != 0
    }

    /// tchar of RFC 9110 §5.6.2.
    @inline(__always)
    static var token: ByteSet { ByteSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }

    /// unreserved of RFC 3986 §2.3.
    @inline(__always)
    static var unreserved: ByteSet { ByteSet(low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
}

@inline(__always)
func isBlank(_ byte: UInt8) -> Bool { byte <= ASCII.space && (byte == ASCII.space || byte == ASCII.tab) }

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

/// The value of a hexadecimal digit; nil for any other byte.
@inline(__always)
func hexValue(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte - 0x30 }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : nil
}
