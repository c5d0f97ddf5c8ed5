import HTTP

/// A name for a request that no other has: 128 random bits, told to the server as 32 hexadecimal digits.
struct RequestID: Equatable, BitwiseCopyable {
    let high: UInt64
    let low: UInt64

    func append(to output: inout OutputBuffer) {
        for word in [high, low] {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                output.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
            }
        }
    }
}

/// Makes request names without asking the system for each: xoroshiro128+, seeded by the system once.
///
/// The names identify; they protect nothing, so they may be predictable to somebody who has seen enough of them.
struct RequestIDGenerator {
    private var state: (UInt64, UInt64)

    init() {
        var system = SystemRandomNumberGenerator()
        state = (system.next() | 1, system.next())
    }

    mutating func next() -> RequestID {
        RequestID(high: step(), low: step())
    }

    private mutating func step() -> UInt64 {
        let (first, second) = state
        let mixed = first ^ second
        state = (rotated(first, 24) ^ mixed ^ mixed << 16, rotated(mixed, 37))
        return first &+ second
    }

    private func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
}
