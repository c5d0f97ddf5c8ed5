import Memory
import Testing

@testable import HTTP

/// What `write` leaves in a buffer, by the count it returns; bytes behind it have to stay untouched.
private func written(_ write: (MutableByteView) -> Int) -> String {
    var buffer = [UInt8](repeating: 0xFF, count: 64)
    let count = buffer.withMutableBytes(write)
    #expect(buffer[count...].allSatisfy { $0 == 0xFF })
    return String(decoding: buffer[..<count], as: UTF8.self)
}

@Suite("HTTP date")
struct HTTPDateTests {
    @Test(
        "A Unix time is written as IMF-fixdate",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"), (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] as [(Int64, String)])
    func writes(time: Int64, expected: String) {
        let text = written {
            HTTPDate.write(unixSeconds: time, to: $0)
            return HTTPDate.length
        }
        #expect(text == expected)
    }

    @Test("A time outside four-digit years is cut off to them", arguments: [(Int64.min, "1970"), (Int64.max, "9999")])
    func clamps(time: Int64, year: String) {
        let text = written {
            HTTPDate.write(unixSeconds: time, to: $0)
            return HTTPDate.length
        }
        #expect(text.contains(year))
    }

    @Test("Each day from 1970 to 2400 follows the day before it")
    func countsDays() {
        var (year, month, day) = (1970, 1, 1)
        for days in 0..<157_054 {
            let date = HTTPDate.civilDate(days)
            guard date == (year, month, day) else {
                Issue.record("day \(days) is \(date)")
                return
            }
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
            let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            day += 1
            if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect(year == 2400)
    }
}

@Suite("Numbers on the wire")
struct WireNumberTests {
    static let values: [UInt64] = [0, 1, 9, 10, 15, 16, 99, 100, 255, 256, 4095, 65_536, 1 << 60, .max]

    @Test("A number is written in decimal", arguments: values)
    func writesDecimal(value: UInt64) {
        let text = written { WireNumber.writeDecimal(value, to: $0) }
        #expect(text == String(value))
    }

    @Test("A number is written in hexadecimal", arguments: values)
    func writesHexadecimal(value: UInt64) {
        let text = written { WireNumber.writeHexadecimal(value, to: $0) }
        #expect(text == String(value, radix: 16))
    }

    @Test("A chunk's line is its size and a line end", arguments: values)
    func writesChunkLines(value: UInt64) {
        let line = written { WireNumber.writeChunkLine(size: value, to: $0) }
        #expect(line == String(value, radix: 16) + "\r\n")
        #expect(line.utf8.count <= WireNumber.maximumChunkLine)
    }
}

@Suite("Field syntax")
struct FieldSyntaxTests {
    @Test("A name is a token", arguments: [("X-Name", true), ("a", true), ("", false), ("a b", false), ("a:", false)])
    func checksNames(name: String, expected: Bool) {
        let valid = unsafe FieldSyntax.isToken(bytes(name).span.bytes)
        #expect(valid == expected)
    }

    @Test(
        "A value has no control bytes but tabs",
        arguments: [
            ("", true), ("a\tb c", true), ("gr\u{FC}n", true), ("a\r\nb: c", false), ("a\nb", false), ("a\0", false),
            ("a long value that ends in\u{7F}", false),
        ])
    func checksValues(value: String, expected: Bool) {
        let valid = unsafe FieldSyntax.isValidValue(bytes(value).span.bytes)
        #expect(valid == expected)
    }
}

@Suite("Status codes")
struct StatusCodeTests {
    @Test(
        "A registered code has its phrase",
        arguments: [(100, "Continue"), (200, "OK"), (302, "Found"), (404, "Not Found"), (503, "Service Unavailable")])
    func namesCodes(status: Int, reason: String) {
        #expect(StatusCode.reason(status).description == reason)
    }

    @Test("A code that is not registered has a phrase too", arguments: [-1, 0, 99, 199, 299, 399, 499, 599, 1000])
    func namesUnknownCodes(status: Int) {
        #expect(StatusCode.reason(status).description == "Unknown")
    }

    @Test("Every refusal has a registered status", arguments: RequestRejection.allCases)
    func namesRefusals(rejection: RequestRejection) {
        #expect(StatusCode.reason(rejection.status).description != "Unknown")
    }

    @Test("Interim responses, 204 and 304 have no content")
    func knowsEmptyResponses() {
        #expect([100, 101, 199, 204, 304].allSatisfy(StatusCode.hasNoContent))
        #expect(![200, 205, 302, 404, 500].contains(where: StatusCode.hasNoContent))
    }
}
