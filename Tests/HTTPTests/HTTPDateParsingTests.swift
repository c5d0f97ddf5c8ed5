import Memory
import Testing

@testable import HTTP

@Suite("Dates read")
struct HTTPDateParsingTests {
    private func parse(_ text: String, now: Int64 = 1_700_000_000) -> Int64? {
        unsafe HTTPDate.parse(Array(text.utf8).span.bytes, now: now)
    }

    @Test(
        "All three forms are read",
        arguments: [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ])
    func readsForms(text: String) {
        #expect(parse(text) == 784_111_777)
        for end in text.indices { #expect(parse(String(text[..<end])) == nil) }
    }

    @Test("What is written is read again")
    func readsWhatIsWritten() {
        for seconds in stride(from: Int64(0), to: 4_102_444_800, by: 86_400 * 37 + 4561) {
            let buffer = OwnedBytes(count: HTTPDate.length)
            HTTPDate.write(unixSeconds: seconds, to: buffer.room)
            let text = String(decoding: buffer.view, as: UTF8.self)
            #expect(parse(text) == seconds)
        }
    }

    @Test("A year of two digits is at most fifty years ahead")
    func placesShortYears() {
        #expect(parse("Monday, 01-Jan-73 00:00:00 GMT") == 3_250_454_400)
        #expect(parse("Monday, 01-Jan-74 00:00:00 GMT") == 126_230_400)
    }

    @Test(
        "Anything else is no date",
        arguments: [
            "", "Sun", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94",
        ])
    func refuses(text: String) {
        #expect(parse(text) == nil)
    }
}
