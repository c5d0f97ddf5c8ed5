/// Bytes the grammar gives a meaning to.
enum ASCII {
    static var tab: UInt8 { 0x09 }
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var space: UInt8 { 0x20 }
    static var percent: UInt8 { 0x25 }
    static var comma: UInt8 { 0x2C }
    static var dot: UInt8 { 0x2E }
    static var slash: UInt8 { 0x2F }
    static var colon: UInt8 { 0x3A }
    static var semicolon: UInt8 { 0x3B }
    static var question: UInt8 { 0x3F }
}

/// Bounds-checked reading and searching of received bytes, eight at a time.
///
/// This is the only place of the parsers that reads memory: every load below is checked against the span's bounds, so
/// a mistake elsewhere stops the process instead of reading a neighbour's bytes.
extension RawSpan {
    @inline(__always)
    package func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Eight bytes from `offset`, the first one lowest.
    @inline(__always)
    func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The first offset in `start..<end` whose byte `matches` marks, or `end`.
    ///
    /// `matches` takes eight bytes and sets the high bit of each one looked for. It must be exact in every byte.
    @inline(__always)
    func first(from start: Int, to end: Int, where matches: (ByteLanes) -> UInt64) -> Int {
        var offset = start
        while end - offset >= 8 {
            let found = matches(ByteLanes(word(at: offset)))
            if found != 0 { return offset + found.trailingZeroBitCount / 8 }
            offset += 8
        }
        if offset < end, byteCount - offset >= 8 {
            // What stands behind `end` is loaded with the rest and masked away.
            let wanted: UInt64 = 1 &<< UInt64(8 * (end - offset)) &- 1
            let found = matches(ByteLanes(word(at: offset))) & wanted
            return found != 0 ? offset + found.trailingZeroBitCount / 8 : end
        }
        while offset < end {
            if matches(ByteLanes(repeating: byte(at: offset))) != 0 { return offset }
            offset += 1
        }
        return end
    }

    @inline(__always)
    func first(_ value: UInt8, from start: Int, to end: Int) -> Int {
        first(from: start, to: end) { $0.equal(to: value) }
    }

    /// `range` without the spaces and tabs at both its ends (OWS, RFC 9110 §5.6.3).
    @inline(__always)
    func trimmed(_ start: Int, _ end: Int) -> (start: Int, end: Int) {
        var start = start
        var end = end
        while start < end, isBlank(byte(at: start)) { start += 1 }
        while end > start, isBlank(byte(at: end - 1)) { end -= 1 }
        return (start, end)
    }

    /// Calls `body` with the bounds of each element of a comma-separated list (RFC 9110 §5.6.1), empty ones included.
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

    /// Whether the bytes are `text`, letters compared without case. `text` is lower case.
    @inline(__always)
    package func equals(_ text: StaticString, from start: Int, to end: Int) -> Bool {
        guard end - start == text.utf8CodeUnitCount else { return false }
        return hasPrefix(text, from: start, to: end)
    }

    /// Whether the bytes begin with `text`, letters compared without case. `text` is lower case.
    @inline(__always)
    package func hasPrefix(_ text: StaticString, from start: Int, to end: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - start >= count else { return false }
        var offset = 0
        while count - offset >= 8 {
            guard ByteLanes(word(at: start + offset)).lowercased == text.word(at: offset) else { return false }
            offset += 8
        }
        // What is left of a longer text is compared together with what stands before it.
        if count > 8, offset < count {
            return ByteLanes(word(at: start + count - 8)).lowercased == text.word(at: count - 8)
        }
        while offset < count {
            guard unsafe lowercased(byte(at: start + offset)) == text.utf8Start[offset] else { return false }
            offset += 1
        }
        return true
    }
}

extension StaticString {
    /// Eight bytes from `offset`, which is at least eight before the end, the first one lowest.
    @inline(__always)
    fileprivate func word(at offset: Int) -> UInt64 {
        let start = unsafe UnsafeRawPointer(utf8Start) + offset
        return UInt64(littleEndian: unsafe start.loadUnaligned(as: UInt64.self))
    }
}

/// Eight bytes of a word, compared side by side; a result has the high bit of each byte that fits and no other bit.
///
/// The usual shorter formulas mark false bytes above a true one, which is harmless until results are combined with
/// "and not"; these are exact in every byte, because none of their sums carries into the next one.
struct ByteLanes: BitwiseCopyable {
    let word: UInt64

    @inline(__always)
    init(_ word: UInt64) { self.word = word }

    @inline(__always)
    init(repeating byte: UInt8) { word = Self.spread(byte) }

    @inline(__always)
    static func spread(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    @inline(__always)
    private static var low: UInt64 { 0x7F7F_7F7F_7F7F_7F7F }

    @inline(__always)
    func equal(to byte: UInt8) -> UInt64 {
        let difference = word ^ Self.spread(byte)
        return ~(((difference & Self.low) &+ Self.low) | difference | Self.low)
    }

    /// Bytes below `limit`, which is at most 0x80.
    @inline(__always)
    func less(than limit: UInt8) -> UInt64 {
        ~(((word & Self.low) &+ Self.spread(0x80 - limit)) | word | Self.low)
    }

    /// Bytes with the high bit set.
    @inline(__always)
    var beyondASCII: UInt64 { word & ~Self.low }

    /// Bytes no field value may have: controls but the tab, and DEL (RFC 9110 §5.5).
    @inline(__always)
    var controls: UInt64 {
        let sevenBits = word & Self.low
        let found = (~(sevenBits &+ Self.spread(0x60)) | (sevenBits &+ Self.spread(0x01))) & ~word & ~Self.low
        return found == 0 ? 0 : found & ~equal(to: ASCII.tab)
    }

    /// The word with capital letters made small.
    @inline(__always)
    var lowercased: UInt64 {
        let sevenBits = word & Self.low
        let fromA = sevenBits &+ Self.spread(0x80 - 0x41)
        let beyondZ = sevenBits &+ Self.spread(0x80 - 0x5B)
        return word | (fromA & ~beyondZ & ~word & ~Self.low) >> 2
    }

    /// Bytes that are neither letters nor hyphens, which nearly all names consist of.
    @inline(__always)
    var outsidePlainNames: UInt64 {
        let folded = (word | Self.spread(0x20)) & Self.low
        let fromA = folded &+ Self.spread(0x80 - 0x61)
        let beyondZ = folded &+ Self.spread(0x80 - 0x7B)
        let letters = fromA & ~beyondZ & ~word & ~Self.low
        return ~(letters | equal(to: 0x2D)) & ~Self.low
    }

    /// Bytes no request target may have: all but visible ASCII, and "#", for a fragment is never sent.
    @inline(__always)
    var outsideTarget: UInt64 { less(than: 0x21) | equal(to: 0x7F) | beyondASCII | equal(to: 0x23) }
}

/// A set of ASCII bytes as two bit masks: a lookup without a table in memory.
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

    /// unreserved and sub-delims of RFC 3986 §2: what a registered name holds beside percent-encoded bytes.
    @inline(__always)
    static var registeredName: ByteSet { ByteSet(low: 0x2BFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
}

@inline(__always)
func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

/// The value of a hexadecimal digit, or nil.
@inline(__always)
func hexValue(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte - 0x30 }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : nil
}
