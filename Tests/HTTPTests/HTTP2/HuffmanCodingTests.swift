import Memory
import Testing

@testable import HTTP

@Suite("The Huffman code")
struct HuffmanCodingTests {
    private func encode(_ text: [UInt8]) -> [UInt8] {
        var output = OutputBuffer()
        text.withBytes { text in
            let expected = HuffmanCoding.encodedCount(text)
            output.append(upTo: 4 * text.count + 8) { room in
                let count = HuffmanCoding.encode(text, to: room)
                precondition(count == expected)
                return count
            }
        }
        return Array(output.unsent)
    }

    private func decode(_ code: [UInt8], room: Int = 8192) throws(HTTP2Fault) -> [UInt8]? {
        let target = OwnedBytes(count: room)
        guard let count = unsafe try HuffmanCoding.decode(code.span.bytes, from: 0, to: code.count, into: target.room)
        else { return nil }
        return Array(target.view[..<count])
    }

    @Test("Every byte, alone and between others, comes back", arguments: 0...255)
    func everyByte(byte: Int) throws {
        let byte = UInt8(byte)
        for text in [[byte], [byte, byte], Array("ab".utf8) + [byte] + Array("yz".utf8), [byte, 0x30, byte]] {
            #expect(try decode(encode(text)) == text)
        }
    }

    @Test("Texts of every length come back, and every prefix of their code is padding or refused")
    func everyLength() throws {
        var random = TestRandom(seed: 1)
        for count in 0..<200 {
            let text = (0..<count).map { _ in
                Int.random(in: 0..<8, using: &random) == 0
                    ? UInt8.random(in: 0...255, using: &random) : UInt8.random(in: 0x61...0x7A, using: &random)
            }
            let code = encode(text)
            #expect(try decode(code) == text)
            for end in 0..<code.count {
                if let shorter = try? decode(Array(code[..<end])) { #expect(text.starts(with: shorter)) }
            }
        }
    }

    @Test("A text that does not fit is not written beyond the room")
    func room() throws {
        let code = encode(Array("0123456789".utf8))
        #expect(try decode(code, room: 10) == Array("0123456789".utf8))
        for room in 0..<10 { #expect(try decode(code, room: room) == nil) }
    }
}
