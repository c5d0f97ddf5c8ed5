import Testing

@testable import HTTP

/// What came out of a chunked body: its data, the bytes it took, or that its end is missing.
private struct DecodedBody: Equatable {
    var data: [UInt8] = []
    var trailers: [String] = []
    var consumed = 0
    var ended = false
}

/// Decodes a body that arrives in pieces ending at the given offsets and, last, at its end.
///
/// As a connection does, it hands in again what was not consumed.
private func decode(_ input: [UInt8], pausingAt pauses: [Int] = []) throws(RequestRejection) -> DecodedBody {
    var decoder = ChunkedDecoder()
    var body = DecodedBody()
    for end in pauses + [input.count] {
        while !body.ended {
            let rest = Array(input[body.consumed..<end])
            switch unsafe try decoder.decode(rest.span.bytes) {
            case .data(let range):
                body.data += rest[range]
                body.consumed += range.upperBound
                continue
            case .trailer(let range):
                body.trailers.append(String(decoding: rest[range], as: UTF8.self))
                body.consumed += range.upperBound + 2
                continue
            case .needsMore(let consumed):
                body.consumed += consumed
            case .end(let consumed):
                body.consumed += consumed
                body.ended = true
            }
            break
        }
    }
    return body
}

private func refusal(of input: [UInt8], pausingAt pauses: [Int] = []) -> RequestRejection? {
    do {
        _ = try decode(input, pausingAt: pauses)
        return nil
    } catch {
        return error
    }
}

@Suite("Chunked decoder")
struct ChunkedDecoderTests {
    static let bodies: [(String, String)] = [
        ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("1\r\na\r\n2\r\nbc\r\n000\r\n\r\n", "abc"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n"),
        ("3;name=value\r\nabc\r\n0 ; last=\"x;y\"\r\n\r\n", "abc"),
        ("3\t; a = b ;c;d=\"\\\"=\\\\\"\t;e\r\nabc\r\n0;f=\"\"\r\n\r\n", "abc"),
        ("000000000000003\r\nabc\r\n0\r\n\r\n", "abc"),
        ("1\r\nx\r\n0\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n", "x"),
    ]

    @Test("A body comes out the same split at any place", arguments: bodies)
    func isIndependentOfSplits(encoded: String, data: String) throws {
        let input = bytes(encoded)
        let expected = try decode(input)
        #expect(expected.data == bytes(data) && expected.consumed == input.count && expected.ended)
        for split in 0...input.count {
            #expect(try decode(input, pausingAt: [split]) == expected)
        }
        #expect(try decode(input, pausingAt: Array(0..<input.count)) == expected)
    }

    @Test("Trailer fields are handed out in their order")
    func handsOutTrailers() throws {
        let body = try decode(bytes("1\r\nx\r\n0\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n"))
        #expect(body.trailers == ["X-Sum: 1", "X-Empty:"])
    }

    @Test("A body has not ended at any prefix", arguments: bodies)
    func needsItsLastByte(encoded: String, data: String) throws {
        let input = bytes(encoded)
        for end in 0..<input.count {
            #expect(try !decode(Array(input[..<end])).ended)
        }
    }

    @Test("What follows a body is not consumed", arguments: bodies)
    func leavesTheNextRequest(encoded: String, data: String) throws {
        let body = try decode(bytes(encoded + "GET / HTTP/1.1\r\n"))
        #expect(body.consumed == encoded.utf8.count)
        #expect(body.data == bytes(data))
    }

    static let refusals: [(String, RequestRejection)] = [
        ("\r\n", .invalidChunkSize), ("g\r\n", .invalidChunkSize), ("-1\r\n", .invalidChunkSize),
        ("0x1\r\n", .invalidChunkSize), (" 1\r\n", .invalidChunkSize), ("1 \r\n", .invalidChunkSize),
        ("1 a\r\n", .invalidChunkSize), (";a\r\n", .invalidChunkSize), ("1;a\0\r\n", .invalidChunkSize),
        ("1;\r\n", .invalidChunkExtension), ("1;;a\r\n", .invalidChunkExtension), ("1;=a\r\n", .invalidChunkExtension),
        ("1;a=\r\n", .invalidChunkExtension), ("1;a b\r\n", .invalidChunkExtension),
        ("1;a=b c\r\n", .invalidChunkExtension), ("1;a=\"b\r\n", .invalidChunkExtension),
        ("1;a=\"b\"c\r\n", .invalidChunkExtension), ("1;a=\"b\\\"\r\n", .invalidChunkExtension),
        ("1;a \r\n", .invalidChunkExtension), ("1;a,b\r\n", .invalidChunkExtension),
        ("0000000000000001\r\n", .invalidChunkSize), ("ffffffffffffffff\r\n", .invalidChunkSize),
        ("1\n", .bareLineFeed), ("\n", .bareLineFeed), ("1;a\n", .bareLineFeed), ("0\r\n\n", .bareLineFeed),
        ("1\r;a\r\n", .bareCarriageReturn), ("1\r\r\n", .bareCarriageReturn),
        ("1\r\nab\r\n", .invalidChunkEnd), ("1\r\na\n", .invalidChunkEnd), ("1\r\na\ra", .invalidChunkEnd),
        ("0\r\nA b\r\n\r\n", .missingColon), ("0\r\nA : b\r\n\r\n", .spaceBeforeColon),
        ("0\r\n: b\r\n\r\n", .emptyFieldName), ("0\r\nA(: b\r\n\r\n", .invalidFieldName),
        ("0\r\nA: b\r\n c\r\n\r\n", .obsoleteFolding), ("0\r\nA: \0\r\n\r\n", .invalidFieldValue),
        ("0\r\nA: b\n\r\n", .bareLineFeed), ("0\r\nA: b\rc\r\n\r\n", .bareCarriageReturn),
        ("0\r\nContent-Length: 1\r\n\r\n", .invalidTrailer), ("0\r\nHOST: a\r\n\r\n", .invalidTrailer),
        ("0\r\nX: y\r\ntransfer-encoding: chunked\r\n\r\n", .invalidTrailer),
        ("0\r\nAuthorization: x\r\n\r\n", .invalidTrailer), ("0\r\nContent-Type: a/b\r\n\r\n", .invalidTrailer),
    ]

    @Test("A malformed body is refused by name, wherever it is split", arguments: refusals)
    func refuses(encoded: String, expected: RequestRejection) {
        let input = bytes(encoded)
        for split in 0...input.count {
            #expect(refusal(of: input, pausingAt: [split]) == expected)
        }
        #expect(refusal(of: input, pausingAt: Array(0..<input.count)) == expected)
    }

    @Test("A size line may fill its limit and no more, its CRLF included")
    func limitsSizeLines() throws {
        let fill = String(repeating: "x", count: ChunkedDecoder.maximumLine - 4)
        for (line, expected) in [("0;\(fill)", nil), ("0;\(fill)x", RequestRejection.chunkLineTooLong)] {
            let input = bytes(line + "\r\n\r\n")
            for pauses in [[], [input.count - 3], [input.count - 4], Array(0..<input.count)] {
                #expect(refusal(of: input, pausingAt: pauses) == expected)
            }
        }
    }

    @Test("An endless size line is refused before its end")
    func refusesEndlessSizeLines() {
        let line = [UInt8](repeating: 0x30, count: ChunkedDecoder.maximumLine)
        #expect(refusal(of: line) == .chunkLineTooLong)
    }

    @Test("Trailers may fill their limit and no more, their empty line included")
    func limitsTrailers() throws {
        let line = "X: " + String(repeating: "x", count: 1024 - 5) + "\r\n"
        let full = String(repeating: line, count: 7) + "X: " + String(repeating: "x", count: 1024 - 7) + "\r\n"
        let over = String(repeating: line, count: 8)
        for (trailers, expected) in [(full, nil), (over, RequestRejection.trailersTooLarge)] {
            let input = bytes("0\r\n\(trailers)\r\n")
            for pauses in [[], [2000], [input.count - 1], [input.count - 2]] {
                #expect(refusal(of: input, pausingAt: pauses) == expected)
            }
        }
    }

    @Test("A decoder that has ended consumes nothing more")
    func staysEnded() throws {
        let input = bytes("0\r\n\r\nnext")
        var decoder = ChunkedDecoder()
        let first = unsafe try decoder.decode(input.span.bytes)
        let second = unsafe try decoder.decode(input.span.bytes)
        #expect(first == .end(consumed: 5))
        #expect(second == .end(consumed: 0))
    }
}
