import Memory

/// SipHash-2-4 with 128 bits (J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF", 2012).
///
/// The same in every process and on every machine with the same key, unlike Swift's Hasher.
struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    /// 128 bits.
    struct Value: Hashable, Sendable {
        let low: UInt64
        let high: UInt64
    }

    init(key first: UInt64, _ second: UInt64) {
        key = (first, second)
    }

    func value(of bytes: ByteView) -> Value {
        var state = State(key)
        let whole = bytes.count & ~7
        var offset = 0
        while offset < whole {
            state.add(UInt64(littleEndian: bytes.load(at: offset, as: UInt64.self)))
            offset += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        for index in whole..<bytes.count { last |= UInt64(bytes[index]) << UInt64(8 * (index - whole)) }
        state.add(last)
        return state.finish()
    }

    private struct State {
        var v0, v1, v2, v3: UInt64

        init(_ key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736F_6D65_7073_6575
            // The second constant has another bit for results of 128 bits.
            v1 = key.1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
            v2 = key.0 ^ 0x6C79_6765_6E65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always)
        mutating func add(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> Value {
            v2 ^= 0xEE
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xDD
            for _ in 0..<4 { round() }
            return Value(low: low, high: v0 ^ v1 ^ v2 ^ v3)
        }

        @inline(__always)
        private mutating func round() {
            v0 &+= v1
            v1 = rotate(v1, 13) ^ v0
            v0 = rotate(v0, 32)
            v2 &+= v3
            v3 = rotate(v3, 16) ^ v2
            v0 &+= v3
            v3 = rotate(v3, 21) ^ v0
            v2 &+= v1
            v1 = rotate(v1, 17) ^ v2
            v2 = rotate(v2, 32)
        }

        @inline(__always)
        private func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
    }
}

extension SipHash.Value {
    /// 32 hexadecimal digits.
    func append(to bytes: inout [UInt8]) {
        for word in [high, low] { Self.append(word, to: &bytes) }
    }

    static let textLength = 32

    /// 16 hexadecimal digits.
    static func append(_ word: UInt64, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: 16))
        bytes.withMutableBytes { bytes in
            bytes.store(digits(UInt32(truncatingIfNeeded: word >> 32)), at: start)
            bytes.store(digits(UInt32(truncatingIfNeeded: word)), at: start + 8)
        }
    }

    /// Eight hexadecimal digits as they are in memory, made side by side.
    private static func digits(_ word: UInt32) -> UInt64 {
        var nibbles = UInt64(word)
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // One for each that is ten or more.
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        // From '0' to '9' is 0x30 to 0x39, and 'a' follows 0x27 later.
        let digits = nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
        return digits.bigEndian
    }
}
