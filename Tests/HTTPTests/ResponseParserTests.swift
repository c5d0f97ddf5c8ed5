import Testing

@testable import HTTP

/// What became of a head, in a form that compares.
private enum Verdict: Equatable {
    case incomplete
    case refused(ResponseRejection)
    case complete(status: Int, reason: String, framing: ResponseFraming, keepAlive: Bool, fields: [String], length: Int)
}

private func verdict(on text: String, toHEAD: Bool = false, pausingAt pauses: [Int] = []) -> Verdict {
    let input = Array(text.utf8)
    var parser = ResponseParser(
        limits: HeadLimits(maximumHead: 512, maximumRequestLine: 512, maximumFields: 8))
    do throws(ResponseRejection) {
        for end in pauses + [input.count] {
            let received = Array(input[..<end])
            guard try unsafe parser.parse(received.span.bytes, toHEAD: toHEAD) else { continue }
            let fields = parser.fields.map { field in
                String(decoding: input[field.name.range], as: UTF8.self) + "="
                    + String(decoding: input[field.value.range], as: UTF8.self)
            }
            let head = parser.head
            return .complete(
                status: head.status, reason: String(decoding: input[head.reason.range], as: UTF8.self),
                framing: head.framing, keepAlive: head.keepAlive, fields: fields, length: head.length)
        }
        return .incomplete
    } catch {
        return .refused(error)
    }
}

private func framing(of text: String, toHEAD: Bool = false) -> ResponseFraming? {
    guard case .complete(_, _, let framing, _, _, _) = verdict(on: text, toHEAD: toHEAD) else { return nil }
    return framing
}

struct ResponseParserTests {
    static let heads = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\n\r\n",
        "HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\nX:\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 204 \r\n\r\n",
    ]

    static let refused: [(String, ResponseRejection)] = [
        ("hello\r\n", .invalidStatusLine), ("HTTP/2.0 200 OK\r\n", .unsupportedVersion),
        ("http/1.1 200 OK\r\n", .invalidStatusLine), ("HTTP/1.1  200 OK\r\n", .invalidStatus),
        ("HTTP/1.1 20 OK\r\n", .invalidStatus), ("HTTP/1.1 2000 OK\r\n", .invalidStatus),
        ("HTTP/1.1 099 OK\r\n", .invalidStatus), ("HTTP/1.1 600 OK\r\n", .invalidStatus),
        ("HTTP/1.1 200 OK\n", .malformed(.bareLineFeed)), ("HTTP/1.1 200 O\rK\r\n", .malformed(.bareCarriageReturn)),
        ("HTTP/1.1 200 O\0K\r\n", .malformed(.invalidFieldValue)),
        ("HTTP/1.1 200 OK\r\nA: b\0\r\n", .malformed(.invalidFieldValue)),
        ("HTTP/1.1 200 OK\r\nA : b\r\n", .malformed(.spaceBeforeColon)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n", .repeatedContentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n", .malformed(.invalidContentLength)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n", .unknownTransferCoding),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .unknownTransferCoding),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            .contentLengthWithTransferEncoding
        ),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingOnHTTP10),
        ("HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingWithoutBody),
        ("HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 9), .tooManyFields),
        ("HTTP/1.1 200 OK\r\nA: " + String(repeating: "x", count: 600), .headTooLarge),
    ]

    @Test("A head gets the same verdict split at any place", arguments: heads)
    func isIndependentOfSplits(head: String) {
        let whole = verdict(on: head)
        #expect(whole != .incomplete)
        for split in 0...head.utf8.count {
            #expect(verdict(on: head, pausingAt: [split]) == whole)
        }
        #expect(verdict(on: head, pausingAt: Array(0..<head.utf8.count)) == whole)
    }

    @Test("A head is not complete at any prefix", arguments: heads)
    func needsItsLastByte(head: String) {
        for end in 0..<head.utf8.count {
            #expect(verdict(on: String(decoding: head.utf8.prefix(end), as: UTF8.self)) == .incomplete)
        }
    }

    @Test("What is malformed is refused by its name, split at any place", arguments: refused)
    func refuses(head: String, rejection: ResponseRejection) {
        #expect(verdict(on: head) == .refused(rejection))
        for split in 0...head.utf8.count {
            #expect(verdict(on: head, pausingAt: [split]) == .refused(rejection))
        }
    }

    @Test("Status, reason and fields are as sent")
    func tellsWhatWasSent() {
        let head = "HTTP/1.1 404 Not Here\r\nA: b\r\nC:  d \r\n\r\n"
        #expect(
            verdict(on: head + "rest")
                == .complete(
                    status: 404, reason: "Not Here", framing: .untilClose, keepAlive: true, fields: ["A=b", "C=d"],
                    length: head.utf8.count))
    }

    @Test("The body's end is found as RFC 9112 section 6.3 says")
    func findsFraming() {
        #expect(framing(of: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") == .length(5))
        #expect(framing(of: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == ResponseFraming.none)
        #expect(framing(of: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") == .chunked)
        #expect(framing(of: "HTTP/1.1 200 OK\r\n\r\n") == .untilClose)
        for status in ["204 None", "304 Same", "103 Hints"] {
            #expect(framing(of: "HTTP/1.1 \(status)\r\nContent-Length: 5\r\n\r\n") == ResponseFraming.none)
        }
        #expect(framing(of: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", toHEAD: true) == ResponseFraming.none)
    }
}

struct ResponseBodyTests {
    /// The content of a body that arrives in two pieces, and how many bytes it took; nil while it has not ended.
    private func read(
        _ text: String, _ framing: ResponseFraming, split: Int
    ) throws(ResponseRejection) -> (content: String, consumed: Int)? {
        let input = Array(text.utf8)
        var body = ResponseBody(framing)
        var content: [UInt8] = []
        var consumed = 0
        for end in [split, input.count] {
            reading: while true {
                let rest = Array(input[consumed..<end])
                switch try unsafe body.next(rest.span.bytes) {
                case .content(let range):
                    content += rest[range]
                    consumed += range.upperBound
                case .trailer(let range): consumed += range.upperBound + 2
                case .receive(let count):
                    consumed += count
                    break reading
                case .ended(let count):
                    return (String(decoding: content, as: UTF8.self), consumed + count)
                }
            }
        }
        return nil
    }

    @Test(
        "A body ends where its framing says, split at any place",
        arguments: [
            ("hello", ResponseFraming.length(5)), ("", .none), ("5\r\nhello\r\n0\r\nA: b\r\n\r\n", .chunked),
        ])
    func ends(text: String, framing: ResponseFraming) throws {
        for split in 0...text.utf8.count {
            let result = try read(text + "HTTP/1.1", framing, split: split)
            #expect(result?.consumed == text.utf8.count)
            #expect(result?.content == (text.isEmpty ? "" : "hello"))
        }
    }

    @Test("A body that ends with the connection is whole then, and no other is")
    func knowsWhatClosingMeans() {
        #expect(ResponseBody(.untilClose).isWholeAtClose())
        #expect(!ResponseBody(.length(1)).isWholeAtClose())
        #expect(!ResponseBody(.chunked).isWholeAtClose())
    }

    @Test("A malformed chunk is refused")
    func refusesChunks() {
        #expect(throws: ResponseRejection.malformed(.invalidChunkSize)) {
            try self.read("x\r\n", .chunked, split: 0)
        }
    }
}
