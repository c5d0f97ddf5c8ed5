import HTTP
import Testing

@testable import Proxy

@Suite("Field lines on their way to the next hop")
struct FieldCopierTests {
    @Test(
        "Every line comes out as name, colon, space and value",
        arguments: [
            ("A: 1\r\nB: 2\r\n", "A: 1\r\nB: 2\r\n"), ("A:1\r\nB: 2\r\n", "A: 1\r\nB: 2\r\n"),
            ("A: 1 \r\nB: 2\t\r\n", "A: 1\r\nB: 2\r\n"), ("A:  1\r\n", "A: 1\r\n"), ("A:\t1\r\n", "A: 1\r\n"),
            ("A:\r\nB:  \r\n", "A: \r\nB: \r\n"),
            ("A: 1\r\nB:2\r\nC: 3\r\nD: 4\r\n", "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"),
        ])
    func spelling(sent: String, copied: String) throws {
        #expect(try copy(sent) { _ in true } == copied)
    }

    @Test("Lines in between may stay behind", arguments: 0..<16)
    func selection(chosen: Int) throws {
        let lines = ["A: 1\r\n", "B:2\r\n", "C: 3\r\n", "D: 4\r\n"]
        let plain = ["A: 1\r\n", "B: 2\r\n", "C: 3\r\n", "D: 4\r\n"]
        let expected = plain.indices.filter { chosen >> $0 & 1 == 1 }.map { plain[$0] }.joined()
        #expect(try copy(lines.joined()) { chosen >> $0 & 1 == 1 } == expected)
    }

    private func copy(_ lines: String, where isWanted: (Int) -> Bool) throws -> String {
        let bytes = Array("HTTP/1.1 200 OK\r\n\(lines)\r\n".utf8)
        var parser = ResponseParser(limits: HeadLimits())
        unsafe try #require(try parser.parse(bytes.span.bytes, toHEAD: false))
        var output = OutputBuffer()
        bytes.withBytes { message in
            var copier = FieldCopier(message)
            for index in 0..<parser.head.fieldCount where isWanted(index) {
                copier.copy(parser.fields[index], to: &output)
            }
            copier.finish(to: &output)
        }
        return String(decoding: output.unsent, as: UTF8.self)
    }
}
