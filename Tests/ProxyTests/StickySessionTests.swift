import Testing

@testable import Proxy

@Suite("Sticky sessions") struct StickySessionTests {
    private static func sessions(_ secret: String) -> StickySessions {
        StickySessions(cookie: "srv", attributes: "; Path=/; HttpOnly", secret: Array(secret.utf8))
    }

    @Test func `A server's sign is the same wherever the secret is`() {
        #expect(Self.sessions("secret").sign(of: "a:80") == Self.sessions("secret").sign(of: "a:80"))
        #expect(Self.sessions("secret").sign(of: "a:80") != Self.sessions("another").sign(of: "a:80"))
        #expect(Self.sessions("secret").sign(of: "a:80") != Self.sessions("secret").sign(of: "b:80"))
    }

    @Test func `Every byte of a long secret counts`() {
        let long = String(repeating: "0123456789abcdef", count: 4)
        #expect(Self.sessions(long).sign(of: "a") != Self.sessions(long + "x").sign(of: "a"))
    }

    @Test func `The cookie carries the sign`() {
        let sessions = Self.sessions("secret")
        let sign = sessions.sign(of: "a:80")
        #expect(sign.count == 32)
        let text = String(decoding: sign, as: UTF8.self)
        #expect(
            String(decoding: sessions.field(sign), as: UTF8.self) == "Set-Cookie: srv=\(text); Path=/; HttpOnly\r\n")
    }

    @Test func `The hash is SipHash-2-4`() {
        // The first vectors of the reference implementation: key 00 01 … 0f, input of 0, 1 and 15 bytes 00 01 ….
        let key = SipHash.Key(Array(0..<16))
        #expect(SipHash.hash([], key) == 0x726F_DB47_DD0E_0E31)
        #expect(SipHash.hash([0], key) == 0x74F8_39C5_93DC_67FD)
        #expect(SipHash.hash(Array(0..<15), key) == 0xA129_CA61_49BE_45E5)
    }
}
