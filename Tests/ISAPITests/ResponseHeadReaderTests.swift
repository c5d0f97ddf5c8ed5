import Memory
import Testing

@testable import ISAPI

@Suite struct ResponseHeadReaderTests {
    /// The result of each of these heads when one reader parses them in turn.
    func read(_ heads: [(status: String, block: String)]) -> [String] {
        var reader = ResponseHeadReader()
        return heads.map { head in
            let status = Array(head.status.utf8)
            let block = Array(head.block.utf8)
            let bodyStart = status.withBytes { status in
                block.withBytes { block in reader.read(status: status, block: block) }
            }
            guard let bodyStart else { return "none" }
            let reason = reader.reason.map { String(decoding: $0, as: UTF8.self) } ?? ""
            let fields = String(decoding: reader.fields, as: UTF8.self)
            return "\(reader.head.status) \(reason)|\(fields)|\(reader.head.contentLength ?? 0)|\(bodyStart)"
        }
    }

    static let heads = [
        ("200 OK", "A: b\r\nContent-Length: 5\r\n\r\n"), ("200 OK", "A: c\r\nContent-Length: 5\r\n\r\n"),
        ("200 OK", "A: b\r\nContent-Length: 6\r\n\r\n"), ("404 Nothing", "A: b\r\nContent-Length: 5\r\n\r\n"),
        ("200 OK", "A: b\r\n\r\nbody"), ("200 OK", ""), ("", ""), ("", "200 OK"), ("100 Continue", "A: b\r\n\r\n"),
        ("200 OK", "Long: \(String(repeating: "x", count: 2000))\r\n\r\n"),
        // The same text, split at another position.
        ("200 O", "KA: b\r\nContent-Length: 5\r\n\r\n"),
    ]

    @Test(arguments: heads, heads)
    func aHeadMeansTheSameWhateverWasReadBefore(_ first: (String, String), _ second: (String, String)) {
        let alone = [first, second].map { read([$0])[0] }
        #expect(read([first, second]) == alone)
        #expect(read([first, first, second, second, first]) == [alone[0], alone[0], alone[1], alone[1], alone[0]])
    }

    @Test func whatWasRememberedIsForgottenForAResponseWithoutAHead() {
        var reader = ResponseHeadReader()
        let block = Array("A: b\r\n\r\n".utf8)
        block.withBytes { block in
            let status = ByteView()
            #expect(reader.read(status: status, block: block) == block.count)
            reader.readNone()
            #expect(String(decoding: reader.fields, as: UTF8.self) == "Content-Type: text/html\r\n")
            #expect(reader.read(status: status, block: block) == block.count)
            #expect(String(decoding: reader.fields, as: UTF8.self) == "A: b\r\n")
        }
    }
}
