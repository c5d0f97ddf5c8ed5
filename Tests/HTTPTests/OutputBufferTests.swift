import Testing

@testable import HTTP

@Suite("Output buffer")
struct OutputBufferTests {
    @Test("What was appended is sent, in its order")
    func keepsOrder() {
        var buffer = OutputBuffer()
        let text = bytes("abc")
        buffer.append("1: ")
        text.withBytes { buffer.append($0) }
        buffer.appendDecimal(.max)
        buffer.appendChunkLine(0xBEEF)
        let (unsent, count) = (buffer.text, buffer.count)
        #expect(unsent == "1: abc18446744073709551615beef\r\n")
        #expect(count == unsent.utf8.count)
    }

    @Test("A piece of any length is appended whole, and nothing behind it", arguments: 0...80)
    func copies(count: Int) {
        let piece = (0..<count).map { UInt8(0x21 + $0) }
        var buffer = OutputBuffer()
        buffer.append("<")
        for _ in 0..<2 {
            piece.withBytes { buffer.append($0) }
            buffer.append("|")
        }
        let text = buffer.text
        let expected = String(decoding: piece, as: UTF8.self)
        #expect(text == "<\(expected)|\(expected)|")
    }

    @Test("A short piece is appended where the room ends", arguments: 1...40)
    func copiesToTheEnd(count: Int) {
        var buffer = OutputBuffer()
        let filling = [UInt8](repeating: 0x78, count: (16 << 10) - 33)
        let piece = [UInt8](repeating: 0x79, count: count)
        for bytes in [filling, piece, piece] { bytes.withBytes { buffer.append($0) } }
        let text = buffer.text
        #expect(text == String(decoding: filling + piece + piece, as: UTF8.self))
    }

    @Test("What was sent is gone, and the rest stays")
    func forgetsSent() {
        var buffer = OutputBuffer()
        buffer.append("abcdef")
        buffer.sent(2)
        let rest = buffer.text
        #expect(rest == "cdef")
        buffer.sent(4)
        let isEmpty = buffer.isEmpty
        #expect(isEmpty)
    }

    @Test("The buffer grows with what is appended and keeps what is not sent", arguments: [1, 1000, 16 << 10, 300_000])
    func grows(size: Int) {
        var buffer = OutputBuffer()
        buffer.append("sent")
        buffer.append("kept")
        buffer.sent(4)
        let piece = [UInt8](repeating: 0x78, count: size)
        for _ in 0..<3 { piece.withBytes { buffer.append($0) } }
        let text = buffer.text
        #expect(text == "kept" + String(repeating: "x", count: 3 * size))
    }

    @Test("Emptied, the buffer begins anew", arguments: [10, 1 << 20])
    func beginsAnew(size: Int) {
        var buffer = OutputBuffer()
        let piece = [UInt8](repeating: 0x78, count: size)
        piece.withBytes { buffer.append($0) }
        buffer.removeAll()
        buffer.append("new")
        let text = buffer.text
        #expect(text == "new")
    }
}

extension OutputBuffer {
    /// What is not sent yet.
    var text: String { String(decoding: unsent, as: UTF8.self) }
}
