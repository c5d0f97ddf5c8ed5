import Memory
import Testing

@testable import HTTP

struct HexDigitsTests {
    @Test(arguments: [0, 1, 0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, 0xA0A0_9F9F_0909_FAFA, .max] as [UInt64])
    func `A number has sixteen digits`(number: UInt64) {
        let digits = String(number, radix: 16)
        let expected = String(repeating: "0", count: 16 - digits.count) + digits
        #expect(
            withTemporaryBytes(16) { text in
                HexDigits.write(number, to: text)
                return String(decoding: text.view, as: UTF8.self)
            } == expected)
    }

    @Test func `Every byte has two digits`() {
        for byte in UInt8.min...UInt8.max {
            let expected = (byte < 16 ? "0" : "") + String(byte, radix: 16)
            #expect(
                withTemporaryBytes(2) { text in
                    HexDigits.write(byte, to: text)
                    return String(decoding: text.view, as: UTF8.self)
                } == expected)
        }
    }
}
