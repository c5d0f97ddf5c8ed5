import Foundation
import HTTP
import Testing

@testable import Gateway

@Suite("Values in the lines of access logs") struct LineEscapingTests {
    private func written(_ bytes: [UInt8], _ escaping: LineEscaping) -> String {
        var line = OutputBuffer()
        bytes.withBytes { line.append($0, as: escaping) }
        return String(decoding: line.unsent, as: UTF8.self)
    }

    @Test(arguments: [
        (LineEscaping.quoted, #"a b\x22\x5C\x0A\xC3\xBC#"#),
        (.bare, #"a\x20b\x22\x5C\x0A\xC3\xBC#"#),
        (.json, #"a b\"\\\u000A\u00FC#"#),
        (.w3c, #"a+b"\+%C3%BC#"#),
        (.w3cFirst, #"a+b"\+%C3%BC%23"#),
    ]) func `Nothing ends a value or a line`(_ escaping: LineEscaping, _ expected: String) {
        #expect(written(Array("a b\"\\\nü#".utf8), escaping) == expected)
    }

    @Test(arguments: [LineEscaping.quoted, .bare, .json, .w3c, .w3cFirst])
    func `Every byte becomes printable ASCII`(_ escaping: LineEscaping) {
        let text = written(Array(0...255), escaping)
        #expect(text.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
        #expect(escaping == .quoted || escaping == .json || !text.contains(" "))
    }

    @Test func `JSON gives text back that is UTF-8`() throws {
        let text = "a\u{2028}\u{1F600}\0\u{7F}\u{85}\"\\/"
        let line = "[\"\(written(Array(text.utf8), .json))\"]"
        #expect(try JSONDecoder().decode([String].self, from: Data(line.utf8)) == [text])
    }

    @Test(arguments: [0, 7, 10, 1234, UInt64.max]) func `A number is decimal`(_ value: UInt64) {
        var line = OutputBuffer()
        line.append("x" as StaticString)
        line.appendDecimal(value)
        #expect(String(decoding: line.unsent, as: UTF8.self) == "x\(value)")
    }

    @Test func `A sample has one of each so many`() {
        var sampler = LogSampler(10)
        for _ in 0..<50 {
            #expect((0..<10).filter { _ in sampler.takes() }.count == 1)
        }
    }
}
