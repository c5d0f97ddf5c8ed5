import Testing

@testable import HTTP

@Suite("Response encoder")
struct ResponseEncoderTests {
    @Test("A known length is told and the connection stays")
    func knownLength() {
        let response = encode(200, .known(5), pieces: ["Hel", "lo"])
        #expect(response.text == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello")
        #expect(!response.closes)
        #expect(response.isComplete)
        #expect(response.contentBytes == 5)
    }

    @Test("An unknown length is chunked on HTTP/1.1")
    func chunked() {
        let response = encode(200, .unknown, pieces: ["Hello", "", "!"])
        #expect(
            response.text
                == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n1\r\n!\r\n0\r\n\r\n")
        #expect(!response.closes)
        #expect(response.contentBytes == 6)
    }

    @Test("Trailers follow the last chunk")
    func trailers() {
        let response = encode(200, .unknown, pieces: ["x"], trailers: "Digest: 1\r\n")
        #expect(response.text.hasSuffix("\r\n\r\n1\r\nx\r\n0\r\nDigest: 1\r\n\r\n"))
    }

    @Test("Trailers are left out where the framing has no room for them")
    func droppedTrailers() {
        let response = encode(200, .known(1), pieces: ["x"], trailers: "Digest: 1\r\n")
        #expect(response.text.hasSuffix("\r\n\r\nx"))
    }

    @Test("An unknown length ends with the connection on HTTP/1.0")
    func untilClose() {
        let response = encode(200, .unknown, version: .http10, pieces: ["Hello"])
        #expect(response.text == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nHello")
        #expect(response.closes)
    }

    @Test("HTTP/1.0 is told that the connection stays")
    func keepAliveOn10() {
        let response = encode(200, .known(1), version: .http10, pieces: ["x"])
        #expect(response.text == "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx")
        #expect(!response.closes)
    }

    @Test("A connection that ends says so")
    func saysClose() {
        let response = encode(200, .known(0), keepAlive: false, pieces: [])
        #expect(response.text == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        #expect(response.closes)
    }

    @Test(
        "A response to HEAD has the head of the whole one and no body",
        arguments: [
            (.known(5), "Content-Length: 5\r\n"), (.unknown, "Transfer-Encoding: chunked\r\n"), (.undeclared, ""),
        ] as [(BodyLength, String)])
    func head(length: BodyLength, field: String) {
        let response = encode(200, length, isHead: true, pieces: ["Hello"])
        #expect(response.text == "HTTP/1.1 200 OK\r\n\(field)\r\n")
        #expect(response.isComplete)
        #expect(!response.closes)
        #expect(response.contentBytes == 0)
    }

    @Test("204 and 304 have neither a body nor a length", arguments: [204, 304])
    func noContent(status: Int) {
        for length in [BodyLength.known(5), .unknown, .framedByHandler] {
            let response = encode(status, length, pieces: ["Hello"])
            #expect(response.text == "HTTP/1.1 \(status) OK\r\n\r\n")
            #expect(response.isComplete)
            #expect(!response.closes)
        }
    }

    @Test("Bytes beyond a known length are dropped and counted")
    func dropsSurplus() {
        let response = encode(200, .known(3), pieces: ["Hel", "lo", "!"])
        #expect(response.text.hasSuffix("\r\n\r\nHel"))
        #expect(response.dropped == 3)
        #expect(!response.closes)
    }

    @Test("A body shorter than told closes the connection")
    func shortBody() {
        let response = encode(200, .known(5), pieces: ["Hel"])
        #expect(!response.isComplete)
        #expect(response.closes)
    }

    @Test("A body framed by its handler is passed on as it is, and the connection closes")
    func framedByHandler() {
        let response = encode(200, .framedByHandler, pieces: ["1\r\nx\r\n0\r\n\r\n"])
        #expect(
            response.text
                == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n")
        #expect(response.closes)
    }

    @Test("A response given up closes the connection and counts as finished")
    func abandons() {
        var encoder = ResponseEncoder()
        encoder.abandon()
        #expect(encoder.closes)
        #expect(encoder.isFinished)
    }

    @Test("A head whose fields tell the length gets no second one")
    func fixedHead() {
        var encoder = ResponseEncoder()
        var output = OutputBuffer()
        encoder.noteStatus(200)
        encoder.endFixedHead(2, answering: .init(isHead: false, version: .http11, keepAlive: true), to: &output)
        let body = bytes("ok")
        _ = body.withBytes { encoder.write($0, to: &output) }
        let isComplete = encoder.finish(to: &output)
        let text = output.text
        #expect(text == "\r\nok")
        #expect(isComplete)
    }
}

/// What became of a response.
private struct Encoded {
    var text: String
    var closes: Bool
    var isComplete: Bool
    var dropped: Int
    var contentBytes: UInt64
}

/// Encodes a response with the reason phrase OK.
private func encode(
    _ status: Int, _ length: BodyLength, isHead: Bool = false, version: HTTPVersion = .http11, keepAlive: Bool = true,
    pieces: [String], trailers: String? = nil
) -> Encoded {
    var encoder = ResponseEncoder()
    var output = OutputBuffer()
    bytes("OK").withBytes { encoder.beginHead(status: status, reason: $0, to: &output) }
    encoder.endHead(
        length, answering: .init(isHead: isHead, version: version, keepAlive: keepAlive), to: &output)
    var dropped = 0
    for piece in pieces {
        dropped += bytes(piece).withBytes { encoder.write($0, to: &output) }
    }
    let last = trailers.map(bytes)
    let isComplete =
        last?.withBytes { encoder.finish(trailers: $0, to: &output) } ?? encoder.finish(to: &output)
    return Encoded(
        text: output.text, closes: encoder.closes, isComplete: isComplete, dropped: dropped,
        contentBytes: encoder.contentBytes)
}
