import HTTP
import Transport

/// A server's tag in a cookie, which binds a client to the server that answered it first.
///
/// The tag is a keyed hash of the server's name: it reveals nothing about the server and cannot be forged without the
/// key. A cookie with any other value is ignored.
package struct StickySessions: Sendable {
    package let cookie: [UInt8]
    /// The field line that sets the cookie, up to the tag.
    private let before: String
    private let after: String
    private let key: SipHash.Key

    /// - Parameter attributes: the part after the value, with its semicolons: `; Path=/; HttpOnly`.
    package init(cookie: String, attributes: String, secret: [UInt8]) {
        self.cookie = Array(cookie.utf8)
        before = "Set-Cookie: \(cookie)="
        after = "\(attributes)\r\n"
        key = SipHash.Key(secret)
    }

    /// The tag of a server: 16 hexadecimal digits for each of two hashes.
    package func sign(of name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        return [UInt8(0), 1].flatMap { hexadecimal(SipHash.hash(bytes + [$0], key)) }
    }

    /// The field line that binds the client to the server of this tag.
    package func field(_ sign: [UInt8]) -> [UInt8] {
        Array(before.utf8) + sign + Array(after.utf8)
    }

    private func hexadecimal(_ number: UInt64) -> [UInt8] {
        (0..<16).reversed().map { Array("0123456789abcdef".utf8)[Int(number >> UInt64($0 * 4) & 0xF)] }
    }
}

/// SipHash-2-4, a keyed hash of short texts (Aumasson and Bernstein, 2012).
enum SipHash {
    struct Key: Sendable {
        fileprivate let first: UInt64
        fileprivate let second: UInt64

        /// Any bytes; those beyond 16 are folded in.
        init(_ secret: [UInt8]) {
            var halves: [UInt64] = [0, 0]
            for (index, byte) in secret.enumerated() {
                if index >= 16, index % 16 == 0 { halves = halves.map(StableHash.mix) }
                halves[index / 8 % 2] ^= UInt64(byte) << UInt64(index % 8 * 8)
            }
            first = halves[0]
            second = halves[1]
        }
    }

    static func hash(_ bytes: [UInt8], _ key: Key) -> UInt64 {
        var state = State(key)
        var offset = 0
        while offset + 8 <= bytes.count {
            state.add((0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64($1 * 8) })
            offset += 8
        }
        var last = UInt64(bytes.count) << 56
        for index in offset..<bytes.count { last |= UInt64(bytes[index]) << UInt64((index - offset) * 8) }
        state.add(last)
        return state.finish()
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        init(_ key: Key) {
            v0 = 0x736F_6D65_7073_6575 ^ key.first
            v1 = 0x646F_7261_6E64_6F6D ^ key.second
            v2 = 0x6C79_6765_6E65_7261 ^ key.first
            v3 = 0x7465_6462_7974_6573 ^ key.second
        }

        mutating func add(_ word: UInt64) {
            v3 ^= word
            for _ in 0..<2 { round() }
            v0 ^= word
        }

        mutating func finish() -> UInt64 {
            v2 ^= 0xFF
            for _ in 0..<4 { round() }
            return v0 ^ v1 ^ v2 ^ v3
        }

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

        private func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
            word << count | word >> (64 - count)
        }
    }
}
