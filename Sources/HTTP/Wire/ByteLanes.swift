/// Sixteen bytes, compared side by side, which compile to the vector instructions that every processor of an
/// architecture has.
///
/// A result has a lane for each byte, set where it fits.
struct ByteLanes: BitwiseCopyable {
    typealias Matches = SIMDMask<SIMD16<Int8>>

    private let bytes: SIMD16<UInt8>

    @inline(__always)
    init(_ bytes: SIMD16<UInt8>) { self.bytes = bytes }

    /// The bytes of two words, the first one lowest in `low`.
    @inline(__always)
    init(low: UInt64, high: UInt64) {
        bytes = unsafe unsafeBitCast(SIMD2(low.littleEndian, high.littleEndian), to: SIMD16<UInt8>.self)
    }

    static var count: Int { 16 }

    /// The index of the first lane that is set, nil when none is.
    @inline(__always)
    static func first(_ matches: Matches) -> Int? {
        let halves = unsafe unsafeBitCast(matches, to: SIMD2<UInt64>.self)
        let low = UInt64(littleEndian: halves[0])
        if low != 0 { return low.trailingZeroBitCount / 8 }
        let high = UInt64(littleEndian: halves[1])
        return high != 0 ? 8 + high.trailingZeroBitCount / 8 : nil
    }

    @inline(__always)
    func equal(to byte: UInt8) -> Matches { bytes .== SIMD16(repeating: byte) }

    @inline(__always)
    private func different(from byte: UInt8) -> Matches { bytes .!= SIMD16(repeating: byte) }

    /// Bytes that are not from `first` to `last`, both included.
    @inline(__always)
    private func outside(_ first: UInt8, _ last: UInt8) -> Matches {
        bytes &- SIMD16(repeating: first) .> SIMD16(repeating: last - first)
    }

    @inline(__always)
    private var outsideLetters: Matches {
        ByteLanes(bytes | SIMD16(repeating: 0x20)).outside(0x61, 0x7A)
    }

    /// C0 controls and DEL.
    @inline(__always)
    var allControls: Matches { bytes .< SIMD16(repeating: 0x20) .| equal(to: 0x7F) }

    /// Bytes no field value may have: controls but the tab (RFC 9110 §5.5).
    @inline(__always)
    var controls: Matches { allControls .& different(from: ASCII.tab) }

    /// Bytes that are neither letters nor hyphens, which nearly all names consist of.
    @inline(__always)
    var outsidePlainNames: Matches { outsideLetters .& different(from: 0x2D) }

    /// Bytes that are neither small letters nor hyphens, which nearly all names of HTTP/2 consist of.
    @inline(__always)
    var outsideSmallNames: Matches { outside(0x61, 0x7A) .& different(from: 0x2D) }

    /// Bytes that are no letters, digits or hyphens.
    @inline(__always)
    var outsideVariableNames: Matches { outsidePlainNames .& outside(0x30, 0x39) }

    /// Bytes that are no letters, digits, hyphens or dots, which nearly all hosts consist of.
    @inline(__always)
    var outsidePlainHosts: Matches { outsideLetters .& outside(0x30, 0x39) .& outside(0x2D, 0x2E) }

    /// Bytes no request target may have: all but visible ASCII, and "#", for a fragment is never sent.
    @inline(__always)
    var outsideTarget: Matches { outside(0x21, 0x7E) .| equal(to: 0x23) }
}
