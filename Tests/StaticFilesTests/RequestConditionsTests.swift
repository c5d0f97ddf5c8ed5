import HTTP
import Testing

@testable import StaticFiles

/// The version under test has the tag "a-1" and was last changed on 6 November 1994, 08:49:37 GMT.
@Suite("Conditional requests")
struct RequestConditionsTests {
    static let modified: Int64 = 784_111_777
    static let same = "Sun, 06 Nov 1994 08:49:37 GMT"
    static let earlier = "Sun, 06 Nov 1994 08:49:36 GMT"
    static let later = "Sun, 06 Nov 1994 08:49:38 GMT"

    private func outcome(
        _ fields: [(String, String)], now: Int64 = modified + 1000
    ) -> RequestConditions.Outcome {
        var head = ""
        var conditions = RequestConditions()
        var slices: [(name: String, value: Slice)] = []
        for field in fields {
            let start = head.utf8.count
            head += field.1 + "\r\n"
            slices.append((field.0, Slice(start, start + field.1.utf8.count)))
        }
        for slice in slices { withBytes(slice.name) { conditions.take($0, slice.value) } }
        return withBytes(head) { head in
            withBytes("\"a-1\"") {
                conditions.evaluate(head, entityTag: $0, modified: Self.modified, now: now)
            }
        }
    }

    @Test(
        "Each condition by itself",
        arguments: [
            ("If-Match", "\"a-1\"", .proceed(honoursRange: false)), ("If-Match", "*", .proceed(honoursRange: false)),
            ("If-Match", "\"x\", \"a-1\"", .proceed(honoursRange: false)), ("If-Match", "\"x\"", .failed),
            ("If-Match", "W/\"a-1\"", .failed), ("If-Match", "a-1", .failed), ("If-Match", "", .failed),
            ("If-None-Match", "\"a-1\"", .notModified), ("If-None-Match", "W/\"a-1\"", .notModified),
            ("If-None-Match", "*", .notModified), ("If-None-Match", " \"x\" ,, \"a-1\"", .notModified),
            ("If-None-Match", "\"x\"", .proceed(honoursRange: false)),
            ("If-None-Match", "\"a-1", .proceed(honoursRange: false)),
            ("If-None-Match", "\"x\" \"a-1\"", .proceed(honoursRange: false)),
            ("If-None-Match", "\"A-1\"", .proceed(honoursRange: false)),
            ("If-Modified-Since", same, .notModified), ("If-Modified-Since", later, .notModified),
            ("If-Modified-Since", earlier, .proceed(honoursRange: false)),
            ("If-Modified-Since", "yesterday", .proceed(honoursRange: false)),
            ("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT", .notModified),
            ("If-Modified-Since", "Sun Nov  6 08:49:37 1994", .notModified),
            ("If-Unmodified-Since", same, .proceed(honoursRange: false)),
            ("If-Unmodified-Since", later, .proceed(honoursRange: false)),
            ("If-Unmodified-Since", earlier, .failed),
            ("If-Unmodified-Since", "never", .proceed(honoursRange: false)),
            ("Range", "bytes=0-0", .proceed(honoursRange: true)),
        ] as [(String, String, RequestConditions.Outcome)])
    func evaluatesOne(name: String, value: String, expected: RequestConditions.Outcome) {
        #expect(outcome([(name, value)]) == expected)
        #expect(outcome([(name.uppercased(), value)]) == expected)
    }

    @Test(
        "The order is that of the standard: tags before dates, If-Match before If-None-Match, Range last",
        arguments: [
            ([("If-Match", "\"a-1\""), ("If-Unmodified-Since", earlier)], .proceed(honoursRange: false)),
            ([("If-Match", "\"x\""), ("If-None-Match", "\"a-1\"")], .failed),
            ([("If-Match", "\"a-1\""), ("If-None-Match", "\"a-1\"")], .notModified),
            ([("If-None-Match", "\"x\""), ("If-Modified-Since", same)], .proceed(honoursRange: false)),
            ([("If-None-Match", "\"a-1\""), ("If-Modified-Since", earlier)], .notModified),
            ([("If-None-Match", "\"a-1\""), ("Range", "bytes=0-0")], .notModified),
            ([("If-Unmodified-Since", same), ("If-Modified-Since", same)], .notModified),
            ([("Range", "bytes=0-0"), ("If-Range", "\"a-1\"")], .proceed(honoursRange: true)),
            ([("Range", "bytes=0-0"), ("If-Range", "W/\"a-1\"")], .proceed(honoursRange: false)),
            ([("Range", "bytes=0-0"), ("If-Range", "\"x\"")], .proceed(honoursRange: false)),
            ([("Range", "bytes=0-0"), ("If-Range", same)], .proceed(honoursRange: true)),
            ([("Range", "bytes=0-0"), ("If-Range", later)], .proceed(honoursRange: false)),
            ([("Range", "bytes=0-0"), ("If-Range", earlier)], .proceed(honoursRange: false)),
            ([("Range", "bytes=0-0"), ("If-Match", "\"x\"")], .failed),
        ] as [([(String, String)], RequestConditions.Outcome)])
    func evaluatesInOrder(fields: [(String, String)], expected: RequestConditions.Outcome) {
        #expect(outcome(fields) == expected)
    }

    @Test("A date is no strong validator within the second of the change")
    func distrustsFreshDates() {
        let fields = [("Range", "bytes=0-0"), ("If-Range", Self.same)]
        #expect(outcome(fields, now: Self.modified) == .proceed(honoursRange: false))
    }

    @Test("Fields that are there twice count as the safe thing they could mean")
    func distrustsRepetition() {
        let tag = "\"a-1\""
        #expect(outcome([("If-Match", tag), ("If-Match", tag)]) == .failed)
        #expect(outcome([("If-None-Match", tag), ("If-None-Match", tag)]) == .proceed(honoursRange: false))
        #expect(
            outcome([("If-Modified-Since", Self.same), ("If-Modified-Since", Self.same)])
                == .proceed(honoursRange: false))
        #expect(outcome([("Range", "bytes=0-0"), ("Range", "bytes=0-0")]) == .proceed(honoursRange: false))
        #expect(
            outcome([("Range", "bytes=0-0"), ("If-Range", tag), ("If-Range", tag)])
                == .proceed(honoursRange: false))
    }
}
