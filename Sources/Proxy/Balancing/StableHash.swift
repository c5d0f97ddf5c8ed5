import Memory

/// A hash that is the same in every worker, process and machine, so that all of them select alike.
///
/// FNV-1a with a final mix. It is not secure: a client that can choose the bytes can choose the hash.
package struct StableHash {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package mutating func add(_ bytes: ByteView) {
        for index in 0..<bytes.count { add(bytes[index]) }
    }

    package mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
    }

    package mutating func add<Number: FixedWidthInteger>(_ number: Number) {
        var rest = number
        for _ in 0..<MemoryLayout<Number>.size {
            add(UInt8(truncatingIfNeeded: rest))
            rest = rest >> 8
        }
    }

    @inline(__always)
    private mutating func add(_ byte: UInt8) {
        state = (state ^ UInt64(byte)) &* 0x100_0000_01B3
    }

    package var value: UInt64 { Self.mix(state) }

    /// Spreads every bit over all of them (the finalizer of SplitMix).
    @inline(__always)
    package static func mix(_ bits: UInt64) -> UInt64 {
        var bits = bits
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
