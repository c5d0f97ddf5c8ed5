import Memory
import Testing

@testable import Redis

@Suite("Replies of Redis") struct RESPParserTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// All replies in pieces of the given bytes.
    private func parse(_ pieces: [[UInt8]], _ limits: RESPParser.Limits = .init()) throws -> [RESPValue] {
        var parser = RESPParser(limits)
        var replies: [RESPValue] = []
        for piece in pieces {
            piece.withBytes { parser.append($0) }
            while let reply = try parser.next() { replies.append(reply) }
        }
        #expect(!parser.isWithinReply)
        return replies
    }

    private static let samples: [(String, RESPValue)] = [
        ("+OK\r\n", .simple(Array("OK".utf8))),
        ("+\r\n", .simple([])),
        ("-ERR no \u{e9}\r\n", .error(Array("ERR no \u{e9}".utf8))),
        (":0\r\n", .integer(0)),
        (":+7\r\n", .integer(7)),
        (":9223372036854775807\r\n", .integer(.max)),
        (":-9223372036854775808\r\n", .integer(.min)),
        ("$0\r\n\r\n", .bulk([])),
        ("$5\r\na\r\nbc\r\n", .bulk(Array("a\r\nbc".utf8))),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("_\r\n", .null),
        ("#t\r\n", .boolean(true)),
        ("#f\r\n", .boolean(false)),
        (",1.5e3\r\n", .double(1500)),
        (",-inf\r\n", .double(-.infinity)),
        ("(-12345678901234567890123\r\n", .bigNumber(Array("-12345678901234567890123".utf8))),
        ("!6\r\nERR\r\n\u{1}\r\n", .error(Array("ERR\r\n\u{1}".utf8))),
        ("=7\r\ntxt:abc\r\n", .bulk(Array("abc".utf8))),
        ("*0\r\n", .array([])),
        ("*2\r\n*1\r\n:1\r\n~1\r\n_\r\n", .array([.array([.integer(1)]), .array([.null])])),
        ("%1\r\n+proto\r\n:3\r\n", .map([.simple(Array("proto".utf8)), .integer(3)])),
        (">1\r\n+x\r\n", .push([.simple(Array("x".utf8))])),
        ("|1\r\n+ttl\r\n*1\r\n:9\r\n:5\r\n", .integer(5)),
        ("*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n", .array([.integer(1), .integer(2)])),
    ]

    @Test(arguments: samples) func `Every kind is parsed, whole and cut at every byte`(
        text: String, value: RESPValue
    ) throws {
        let bytes = bytes(text)
        // Another reply follows at once, and it has to be found.
        let both = bytes + self.bytes(":1\r\n")
        let expected = [value, .integer(1)]
        #expect(try parse([both]) == expected)
        #expect(try parse(both.map { [$0] }) == expected)
        for cut in 0...both.count { #expect(try parse([Array(both[..<cut]), Array(both[cut...])]) == expected) }
    }

    @Test func `Many replies are parsed in the order sent`() throws {
        let stream = (0..<5000).flatMap { bytes(":\($0)\r\n$3\r\nabc\r\n") }
        for size in [1, 7, 4096, 65536] {
            let pieces = stride(from: 0, to: stream.count, by: size).map {
                Array(stream[$0..<min($0 + size, stream.count)])
            }
            let replies = try parse(pieces)
            #expect(replies.count == 10_000)
            #expect(replies[9998] == .integer(4999))
        }
    }

    private static let malformed: [(String, RESPError)] = [
        ("HTTP/1.1 400 Bad Request\r\n", .unknownType(0x48)),
        ("\r\n", .unknownType(0x0D)),
        ("+O\u{7}K\r\n", .malformedLine),
        ("+OK\n", .malformedLine),
        ("+\n", .malformedLine),
        ("+O\rK\r\n", .malformedLine),
        ("_x\r\n", .malformedLine),
        (":\r\n", .malformedNumber),
        (":-\r\n", .malformedNumber),
        (":1 \r\n", .malformedNumber),
        (":9223372036854775808\r\n", .malformedNumber),
        (":-9223372036854775809\r\n", .malformedNumber),
        (":12345678901234567890\r\n", .malformedNumber),
        (",\r\n", .malformedNumber),
        (",0x1p3\r\n", .malformedNumber),
        ("(1.5\r\n", .malformedNumber),
        ("#true\r\n", .malformedBoolean),
        ("$\r\n", .malformedLength),
        ("$-2\r\n", .malformedLength),
        ("$+1\r\n", .malformedLength),
        ("!-1\r\n", .malformedLength),
        ("%-1\r\n", .malformedLength),
        ("$99999999999\r\n", .malformedLength),
        ("$?\r\n", .streamed),
        ("*?\r\n", .streamed),
        ("$1\r\nab\r\n", .unterminatedText),
        ("$1\r\na\rb", .unterminatedText),
        ("=3\r\ntxt\r\n", .malformedFormat),
        ("$65537\r\n", .replyTooLong(limit: 65536)),
        ("*1025\r\n", .tooManyElements(limit: 1024)),
        ("%513\r\n", .tooManyElements(limit: 1024)),
        ("*1024\r\n*1\r\n", .tooManyElements(limit: 1024)),
        (String(repeating: "*1\r\n", count: 9), .tooDeep(limit: 8)),
        ("+" + String(repeating: "a", count: 4097) + "\r\n", .lineTooLong(limit: 4096)),
        ("+" + String(repeating: "a", count: 5000), .lineTooLong(limit: 4096)),
    ]

    @Test(arguments: malformed) func `Malformed replies are refused, whole and byte by byte`(
        text: String, error: RESPError
    ) {
        let bytes = bytes(text)
        #expect(throws: error) { try parse([bytes]) }
        #expect(throws: error) { try parse(bytes.map { [$0] }) }
        #expect(!error.description.isEmpty)
    }

    @Test func `A list of texts that is too long as a whole is refused before its last text has come`() {
        var limits = RESPParser.Limits()
        limits.reply = 20
        #expect(throws: RESPError.replyTooLong(limit: 20)) { try parse([bytes("*2\r\n$4\r\nabcd\r\n$4\r\n")], limits) }
    }

    @Test func `The limits hold for each reply, not for all`() throws {
        var limits = RESPParser.Limits()
        limits.reply = 20
        limits.elements = 2
        let reply = bytes("*2\r\n:1\r\n:2\r\n")
        #expect(try parse([reply + reply + reply], limits).count == 3)
    }

    @Test func `Errors are told by a word, wherever it is`() {
        let inner = RESPValue.error(bytes("ERR Error running script: -READONLY You can't write"))
        #expect(inner.isError(with: "READONLY"))
        #expect(!inner.isError(with: "NOSCRIPT"))
        #expect(!RESPValue.simple(bytes("READONLY")).isError(with: "READONLY"))
    }

    @Test func `A command is a list of texts of any bytes`() throws {
        let command = RedisCommand([bytes("SET"), [0, 0x0D, 0x0A, 0xFF], []])
        #expect(command.bytes == bytes("*3\r\n$3\r\nSET\r\n$4\r\n") + [0, 0x0D, 0x0A, 0xFF] + bytes("\r\n$0\r\n\r\n"))
        #expect(
            try parse([command.bytes]) == [.array([.bulk(bytes("SET")), .bulk([0, 0x0D, 0x0A, 0xFF]), .bulk([])])])
        #expect(RedisCommand("PING").bytes == bytes("*1\r\n$4\r\nPING\r\n"))
    }
}
