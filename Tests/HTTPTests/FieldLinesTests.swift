import Testing

@testable import HTTP

@Suite("Field lines of a response")
struct FieldLinesTests {
    @Test("Lines come apart into names and values")
    func splits() {
        let text = "A: b\r\nCache-Control:no-store ,  No-Transform\t\r\nEmpty:\r\n"
        #expect(
            split(text) == [
                ["A: b\r\n", "A", "b"],
                [
                    "Cache-Control:no-store ,  No-Transform\t\r\n", "Cache-Control", "no-store ,  No-Transform",
                ], ["Empty:\r\n", "Empty", ""],
            ])
    }

    @Test("Nothing has no lines")
    func isEmpty() {
        #expect(split("") == [])
    }

    @Test("Names and list members compare without case")
    func compares() {
        Array("Cache-Control: a, NO-transform\r\n".utf8).withBytes { text in
            var lines = FieldLines(text)
            let line = lines.next()
            #expect(line?.isNamed("cache-control") == true)
            #expect(line?.isNamed("cache-contro") == false)
            #expect(line?.hasPrefix("cache-") == true)
            #expect(line?.lists("no-transform") == true)
            #expect(line?.lists("transform") == false)
        }
    }

    private func split(_ text: String) -> [[String]] {
        Array(text.utf8).withBytes { bytes in
            var lines = FieldLines(bytes)
            var found: [[String]] = []
            while let line = lines.next() {
                found.append(
                    [line.line, line.name, line.value].map { String(decoding: $0, as: UTF8.self) })
            }
            return found
        }
    }
}
