import Memory

/// A traffic secret from the key log; `count` is 0 if there is none, or not in the form of a secret.
@safe
struct LoggedSecret: ~Copyable {
    private(set) var bytes = InlineArray<48, UInt8>(repeating: 0)
    private(set) var count = 0

    mutating func read(_ digits: ByteView) {
        let length = digits.count
        count = 0
        guard length % 2 == 0, length / 2 <= bytes.count else { return }
        for index in 0..<length / 2 {
            guard let high = Self.digit(digits[2 * index]), let low = Self.digit(digits[2 * index + 1]) else { return }
            bytes[index] = high << 4 | low
        }
        count = length / 2
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case let digit where digit >= 0x30 && digit <= 0x39: digit - 0x30
        case let letter where letter | 0x20 >= 0x61 && letter | 0x20 <= 0x66: (letter | 0x20) - 0x61 + 10
        default: nil
        }
    }

    mutating func forget() {
        wipe(&bytes)
        count = 0
    }
}
