import Testing

@testable import HTTP

@Suite("The examples of RFC 7541 Appendix C")
struct HPACKExamplesTests {
    /// Consecutive blocks on one connection: each with its fields and the size of the dynamic table afterwards.
    struct Example: CustomStringConvertible, Sendable {
        var description: String
        var tableSize = 4096
        var blocks: [(bytes: String, fields: [(String, String)], size: Int)]
    }

    static let requestFields: [[(String, String)]] = [
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")],
        [
            (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com"),
            ("cache-control", "no-cache"),
        ],
        [
            (":method", "GET"), (":scheme", "https"), (":path", "/index.html"), (":authority", "www.example.com"),
            ("custom-key", "custom-value"),
        ],
    ]
    static let cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
    static let responseFields: [[(String, String)]] = [
        [
            (":status", "302"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("location", "https://www.example.com"),
        ],
        [
            (":status", "307"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("location", "https://www.example.com"),
        ],
        [
            (":status", "200"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
            ("location", "https://www.example.com"), ("content-encoding", "gzip"), ("set-cookie", cookie),
        ],
    ]

    static let examples = [
        Example(
            description: "C.2.1 literal with indexing",
            blocks: [
                (
                    "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
                    [("custom-key", "custom-header")], 55
                )
            ]),
        Example(
            description: "C.2.2 literal without indexing",
            blocks: [("040c 2f73 616d 706c 652f 7061 7468", [(":path", "/sample/path")], 0)]),
        Example(
            description: "C.2.3 literal never indexed",
            blocks: [("1008 7061 7373 776f 7264 0673 6563 7265 74", [("password", "secret")], 0)]),
        Example(description: "C.2.4 indexed", blocks: [("82", [(":method", "GET")], 0)]),
        Example(
            description: "C.3 requests",
            blocks: [
                ("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", requestFields[0], 57),
                ("8286 84be 5808 6e6f 2d63 6163 6865", requestFields[1], 110),
                (
                    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", requestFields[2], 164
                ),
            ]),
        Example(
            description: "C.4 requests in Huffman code",
            blocks: [
                ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", requestFields[0], 57),
                ("8286 84be 5886 a8eb 1064 9cbf", requestFields[1], 110),
                ("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", requestFields[2], 164),
            ]),
        Example(
            description: "C.5 responses, entries evicted", tableSize: 256,
            blocks: [
                (
                    """
                    4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
                    2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70
                    6c65 2e63 6f6d
                    """, responseFields[0], 222
                ),
                ("4803 3330 37c1 c0bf", responseFields[1], 222),
                (
                    """
                    88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d
                    54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049
                    5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e
                    3d31
                    """, responseFields[2], 215
                ),
            ]),
        Example(
            description: "C.6 responses in Huffman code, entries evicted", tableSize: 256,
            blocks: [
                (
                    """
                    4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
                    2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3
                    """, responseFields[0], 222
                ),
                ("4883 640e ffc1 c0bf", responseFields[1], 222),
                (
                    """
                    88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
                    77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
                    9587 3160 65c0 03ed 4ee5 b106 3d50 07
                    """, responseFields[2], 215
                ),
            ]),
    ]

    @Test("Each example gives its fields and its table", arguments: examples)
    func decodes(example: Example) throws {
        var decoder = HPACKDecoder(maximumTable: example.tableSize)
        for block in example.blocks {
            let fields = try decoder.fields(of: hexadecimal(block.bytes))
            #expect(fields.map(\.description) == block.fields.map { "\($0.0): \($0.1)" })
            #expect(decoder.tableSize == block.size)
        }
    }

    @Test("The literal of C.2.3 stays one that nobody may index")
    func neverIndexed() throws {
        var decoder = HPACKDecoder()
        let block = hexadecimal("1008 7061 7373 776f 7264 0673 6563 7265 74")
        #expect(try decoder.fields(of: block) == [TestField("password", "secret", isNeverIndexed: true)])
    }

    @Test("Every prefix of an example is refused as cut off, or has fewer of the fields", arguments: examples)
    func prefixes(example: Example) throws {
        for (number, block) in example.blocks.enumerated() {
            let bytes = hexadecimal(block.bytes)
            let whole = block.fields.map { "\($0.0): \($0.1)" }
            for end in 0..<bytes.count {
                var decoder = HPACKDecoder(maximumTable: example.tableSize)
                for earlier in example.blocks[..<number] { _ = try decoder.fields(of: hexadecimal(earlier.bytes)) }
                do throws(HTTP2Fault) {
                    let fields = try decoder.fields(of: Array(bytes[..<end])).map(\.description)
                    #expect(fields.count < whole.count && whole.starts(with: fields), "of \(end) bytes")
                } catch {
                    #expect(error == .truncatedFieldBlock, "of \(end) bytes")
                }
            }
        }
    }
}
