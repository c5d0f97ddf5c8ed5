/// Sixteen bytes that are compared in parallel, which compiles to the baseline vector instructions of each
/// architecture.
///
/// A result has one lane per byte, which is set if the byte matches.
struct ByteLanes: BitwiseCopyable {
    typealias Matches = SIMDMask<SIMD16<Int8>>

    private let bytes: SIMD16<UInt8>

    @inline(__always)
    init(_ bytes: SIMD16<UInt8>) { self.bytes = bytes }

    /// The bytes of two words, the first one least significant in `low`.
    @inline(__always)
    init(low: UInt64, high: UInt64) {
        bytes = unsafe unsafeBitCast(SIMD2(low.littleEndian, high.littleEndian), to: SIMD16<UInt8>.self)
    }

    static var count: Int { 16 }

    /// The index of the first lane that is set, nil if none is.
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

    /// Bytes outside the closed range from `first` to `last`.
    @inline(__always)
    func outside(_ first: UInt8, _ last: UInt8) -> Matches {
        bytes &- SIMD16(repeating: first) .> SIMD16(repeating: last - first)
    }

    @inline(__always)
    private var outsideLetters: Matches {
        ByteLanes(bytes | SIMD16(repeating: 0x20)).outside(0x61, 0x7A)
    }

    /// C0 controls and DEL.
    @inline(__always)
    var allControls: Matches { bytes .< SIMD16(repeating: 0x20) .| equal(to: 0x7F) }

    /// Bytes that are invalid in field values: controls except the tab (RFC 9110 §5.5).
    @inline(__always)
    var controls: Matches { allControls .& different(from: ASCII.tab) }

    /// Bytes other than letters and hyphens, of which nearly all names consist.
    @inline(__always)
    var outsidePlainNames: Matches { outsideLetters .& different(from: 0x2D) }

    /// Bytes other than lower-case letters and hyphens, of which nearly all names of HTTP/2 consist.
    @inline(__always)
    var outsideSmallNames: Matches { outside(0x61, 0x7A) .& different(from: 0x2D) }

    /// Bytes other than letters, digits and hyphens.
    @inline(__always)
    var outsideVariableNames: Matches { outsidePlainNames .& outside(0x30, 0x39) }

    /// Bytes other than letters, digits, hyphens and dots, of which nearly all hosts consist.
    @inline(__always)
    var outsidePlainHosts: Matches { outsideLetters .& outside(0x30, 0x39) .& outside(0x2D, 0x2E) }

    /// Bytes that are invalid in request targets: all but visible ASCII, and "#", because a fragment is never sent.
    @inline(__always)
    var outsideTarget: Matches { outside(0x21, 0x7E) .| equal(to: 0x23) }
}
