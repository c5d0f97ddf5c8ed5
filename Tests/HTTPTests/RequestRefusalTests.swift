import Testing

@testable import HTTP

@Suite("Refused request heads")
struct RequestRefusalTests {
    static let requestLines: [(String, RequestRejection)] = [
        ("GET /\r\n", .invalidRequestLine), ("GET\r\n", .invalidRequestLine),
        ("GET  / HTTP/1.1\r\n", .invalidRequestLine),
        ("GET /  HTTP/1.1\r\n", .invalidRequestLine), ("GET / HTTP/1.1 \r\n", .invalidRequestLine),
        ("GET / a HTTP/1.1\r\n", .invalidRequestLine), ("GET / http/1.1\r\n", .invalidRequestLine),
        ("GET / HTTP/1.x\r\n", .invalidRequestLine), ("GET / HTTP/11\r\n", .invalidRequestLine),
        ("GET / HTTP/1.10\r\n", .invalidRequestLine), ("GET / XTTP/1.1\r\n", .invalidRequestLine),
        ("\r\n\r\nGET / HTTP/1.1\r\n", .invalidRequestLine),
        (" GET / HTTP/1.1\r\n", .invalidMethod), ("G(T / HTTP/1.1\r\n", .invalidMethod),
        ("GET\t/ HTTP/1.1\r\n", .invalidMethod), ("G\u{E9}T / HTTP/1.1\r\n", .invalidMethod),
        ("GET /\t HTTP/1.1\r\n", .invalidTarget), ("GET /#f HTTP/1.1\r\n", .invalidTarget),
        ("GET /\u{E9} HTTP/1.1\r\n", .invalidTarget), ("GET /\u{7F} HTTP/1.1\r\n", .invalidTarget),
        ("GET /long/enough/for/a/word\u{1} HTTP/1.1\r\n", .invalidTarget),
        ("GET a HTTP/1.1\r\n", .invalidTarget), ("GET a:80 HTTP/1.1\r\n", .invalidTarget),
        ("GET * HTTP/1.1\r\n", .invalidTarget), ("OPTIONS ** HTTP/1.1\r\n", .invalidTarget),
        ("GET ftp://a/ HTTP/1.1\r\n", .invalidTarget), ("GET http:///a HTTP/1.1\r\n", .invalidTarget),
        ("GET http://u@a/ HTTP/1.1\r\n", .invalidTarget), ("GET http://a:99999/ HTTP/1.1\r\n", .invalidTarget),
        ("CONNECT / HTTP/1.1\r\n", .invalidTarget), ("CONNECT a HTTP/1.1\r\n", .invalidTarget),
        ("CONNECT a: HTTP/1.1\r\n", .invalidTarget), ("CONNECT http://a:1/ HTTP/1.1\r\n", .invalidTarget),
        ("GET / HTTP/2.0\r\n", .unsupportedVersion), ("GET / HTTP/0.9\r\n", .unsupportedVersion),
        ("PRI * HTTP/2.0\r\n", .unsupportedVersion),
        ("GET /\n", .bareLineFeed), ("\n", .bareLineFeed), ("GET / HTTP/1.1\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\r\n", .bareCarriageReturn), ("G\rET / HTTP/1.1\r\n", .bareCarriageReturn),
        ("GET /\r HTTP/1.1\r\n", .bareCarriageReturn), ("\rGET / HTTP/1.1\r\n", .bareCarriageReturn),
    ]

    static let fieldLines: [(String, RequestRejection)] = [
        ("A: b\n\r\n", .bareLineFeed), ("A: b\r\n\n", .bareLineFeed), ("A: b\rc\r\n", .bareCarriageReturn),
        ("A: b\r\r\n", .bareCarriageReturn), ("A\r: b\r\n", .bareCarriageReturn), ("\r\r\n", .bareCarriageReturn),
        ("A: b\r\n c\r\n", .obsoleteFolding), (" A: b\r\n", .obsoleteFolding), ("A: b\r\n\tc: d\r\n", .obsoleteFolding),
        ("A : b\r\n", .spaceBeforeColon), ("A\t: b\r\n", .spaceBeforeColon), (": b\r\n", .emptyFieldName),
        ("A(: b\r\n", .invalidFieldName), ("A b: c\r\n", .invalidFieldName), ("\u{E9}: c\r\n", .invalidFieldName),
        ("A\0: c\r\n", .invalidFieldName),
        ("A\r\n", .missingColon), ("A b\r\n", .missingColon),
        ("A: b\0\r\n", .invalidFieldValue), ("A: \u{7F}\r\n", .invalidFieldValue),
        ("A: \t\u{8}in the same word\r\n", .invalidFieldValue), ("A: 12345678901\u{1F}\r\n", .invalidFieldValue),
    ]

    static let meanings: [(String, RequestRejection)] = [
        ("", .missingHost), ("Host: a\r\nhost: a\r\n", .duplicateHost),
        ("Host:\r\n", .invalidHost), ("Host: a b\r\n", .invalidHost), ("Host: a/b\r\n", .invalidHost),
        ("Host: a,b\r\n", .invalidHost), ("Host: a;b\r\n", .invalidHost), ("Host: a%2Eb\r\n", .invalidHost),
        ("Host: u@a\r\n", .invalidHost), ("Host: a:65536\r\n", .invalidHost), ("Host: a:b\r\n", .invalidHost),
        ("Host: b\r\nHost: c\r\n", .duplicateHost),
        ("Host: a\r\nContent-Length:\r\n", .invalidContentLength),
        ("Host: a\r\nContent-Length: +1\r\n", .invalidContentLength),
        ("Host: a\r\nContent-Length: -1\r\n", .invalidContentLength),
        ("Host: a\r\nContent-Length: 1, 1\r\n", .invalidContentLength),
        ("Host: a\r\nContent-Length: 0x1\r\n", .invalidContentLength),
        ("Host: a\r\nContent-Length: 9223372036854775808\r\n", .invalidContentLength),
        ("Host: a\r\nContent-Length: 99999999999999999999\r\n", .invalidContentLength),
        ("Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n", .conflictingContentLength),
        ("Host: a\r\nContent-Length: 1\r\ncontent-length: 2\r\n", .conflictingContentLength),
        ("Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", .contentLengthWithTransferEncoding),
        ("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n", .contentLengthWithTransferEncoding),
        ("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .repeatedTransferEncoding),
        ("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", .unknownTransferCoding),
        ("Host: a\r\nTransfer-Encoding: chunked, chunked\r\n", .unknownTransferCoding),
        ("Host: a\r\nTransfer-Encoding: xchunked\r\n", .unknownTransferCoding),
        ("Host: a\r\nTransfer-Encoding: identity\r\n", .unknownTransferCoding),
        ("Host: a\r\nTransfer-Encoding:\r\n", .unknownTransferCoding),
        ("Host: a\r\nExpect: tea\r\n", .unknownExpectation), ("Host: a\r\nExpect:\r\n", .unknownExpectation),
        ("Host: a\r\nExpect: tea\r\nExpect: 100-continue\r\n", .unknownExpectation),
    ]

    /// Bytes of Latin-1, so that a byte above 0x7F is one byte in the request as in the table.
    private func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

    private func expectRefusal(_ input: [UInt8], _ expected: RequestRejection) {
        #expect(refusal(of: input) == expected)
        for split in 0..<input.count {
            #expect(refusal(of: input, pausingAt: [split]) == expected)
        }
        #expect(refusal(of: input, pausingAt: Array(0..<input.count)) == expected)
    }

    @Test("A malformed request line is refused by name, wherever it is split", arguments: requestLines)
    func refusesRequestLines(line: String, expected: RequestRejection) {
        expectRefusal(latin1(line) + latin1("Host: a\r\n\r\n"), expected)
    }

    @Test("A malformed field line is refused by name, wherever it is split", arguments: fieldLines)
    func refusesFieldLines(lines: String, expected: RequestRejection) {
        expectRefusal(latin1("GET / HTTP/1.1\r\n\(lines)Host: a\r\n\r\n"), expected)
        expectRefusal(latin1("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n"), expected)
    }

    @Test("Fields that contradict each other or themselves are refused by name", arguments: meanings)
    func refusesMeanings(fields: String, expected: RequestRejection) {
        expectRefusal(latin1("POST / HTTP/1.1\r\n\(fields)\r\n"), expected)
    }

    @Test("Transfer-Encoding on HTTP/1.0 is refused, whatever the coding")
    func refusesTransferEncodingOnHTTP10() {
        for coding in ["chunked", "gzip"] {
            expectRefusal(
                latin1("POST / HTTP/1.0\r\nTransfer-Encoding: \(coding)\r\n\r\n"), .transferEncodingOnHTTP10)
        }
    }

    @Test("An invalid Host is refused on 1.0 and beside an absolute target too")
    func validatesHostEverywhere() {
        expectRefusal(latin1("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), .invalidHost)
        expectRefusal(latin1("GET http://a/ HTTP/1.1\r\nHost: @\r\n\r\n"), .invalidHost)
        expectRefusal(latin1("GET http://a/ HTTP/1.1\r\n\r\n"), .missingHost)
    }

    @Test("Every control byte but the tab is refused in a value, at every place of a word")
    func refusesEveryControlByte() {
        for byte in UInt8.min...UInt8.max where byte != 0x0A && byte != 0x0D {
            let forbidden = (byte < 0x20 && byte != 0x09) || byte == 0x7F
            for place in 0..<18 {
                var value = [UInt8](repeating: 0x09, count: 18)
                value[place] = byte
                let input = bytes("GET / HTTP/1.1\r\nHost: a\r\nX:") + value + bytes("\r\n\r\n")
                #expect(refusal(of: input) == (forbidden ? .invalidFieldValue : nil))
            }
        }
    }

    @Test("A field name holds the bytes of a token and no others")
    func acceptsTokensOnly() {
        let token = bytes("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        for byte in UInt8.min...UInt8.max {
            #expect(ByteSet.token.contains(byte) == token.contains(byte))
        }
    }

    @Test("A target holds visible ASCII without the fragment's sign")
    func acceptsVisibleTargetsOnly() {
        for byte in UInt8.min...UInt8.max where byte != 0x0A && byte != 0x0D && byte != 0x20 {
            let allowed = byte > 0x20 && byte < 0x7F && byte != 0x23
            let input = bytes("GET /abcdefghij") + [byte] + bytes("k HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(refusal(of: input) == (allowed ? nil : .invalidTarget))
        }
    }
}

@Suite("Limits of request heads")
struct HeadLimitTests {
    private let limits = HeadLimits(maximumHead: 64, maximumRequestLine: 32, maximumFields: 3)

    private func expect(_ text: String, _ expected: RequestRejection?, _ limits: HeadLimits) {
        let input = bytes(text)
        #expect(refusal(of: input, limits: limits) == expected)
        for split in 0..<input.count {
            #expect(refusal(of: input, pausingAt: [split], limits: limits) == expected)
        }
        #expect(refusal(of: input, pausingAt: Array(0..<input.count), limits: limits) == expected)
    }

    @Test("A request line may fill its limit and no more, its CRLF included")
    func limitsTheRequestLine() {
        let fill = String(repeating: "a", count: 16)
        expect("GET /\(fill) HTTP/1.1\r\nHost: a\r\n\r\n", nil, limits)
        expect("GET /a\(fill) HTTP/1.1\r\nHost: a\r\n\r\n", .requestLineTooLong, limits)
        expect("GET /\(fill)\(fill)", .requestLineTooLong, limits)
        expect("\r\nGET /\(fill) HTTP/1.1\r\nHost: a\r\n\r\n", nil, limits)
    }

    @Test("A head may fill its limit and no more, its empty line included")
    func limitsTheHead() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        let room = 64 - start.utf8.count - 4
        expect(start + String(repeating: "x", count: room) + "\r\n\r\n", nil, limits)
        expect(start + String(repeating: "x", count: room + 1) + "\r\n\r\n", .headTooLarge, limits)
        expect(start + String(repeating: "x", count: 64), .headTooLarge, limits)
    }

    @Test("A head may have its limit of fields and no more")
    func limitsTheFields() {
        expect("GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n\r\n", nil, limits)
        expect("GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n", .tooManyFields, limits)
    }

    @Test("The first byte of a TLS hello is enough to refuse it")
    func refusesTLS() {
        #expect(refusal(of: [0x16], limits: limits) == .tlsHandshake)
        expect("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", .tlsHandshake, limits)
    }

    @Test("A request line longer than the whole head may be is too long, wherever it is split")
    func boundsTheLineByTheHead() {
        let small = HeadLimits(maximumHead: 24, maximumRequestLine: 100, maximumFields: 3)
        expect("\r\nGET /aaaaaaaaaaaaaaaa HTTP/1.1\r\n", .requestLineTooLong, small)
        expect("GET / HTTP/1.1\r\nHost: abcdefg\r\n\r\n", .headTooLarge, small)
    }
}

@Suite("Host syntax")
struct HostSyntaxTests {
    @Test(
        "A name or an address, with or without a port, is a host",
        arguments: [
            "a", "example.test", "a.b-c_d~e", "1.2.3.4", "999.1", "a:", "a:0", "a:65535",
            "a:00080", "[::]", "[::1]", "[1::]", "[::1]:8443", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]",
            "[::2:3:4:5:6:7:8]", "[fe80::ABcd:1]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]", "[1::3:4.5.6.7]",
        ])
    func accepts(host: String) {
        let valid = unsafe HostSyntax.isValid(bytes(host).span.bytes)
        #expect(valid)
    }

    @Test(
        "Anything else is not",
        arguments: [
            "", ":", ":80", "a:65536", "a:-1", "a: 1", "a:1:2", "a b", "a%2", "a%zz", "a%20b", "%61", "a,b",
            "a,", ",a", "a;b", "a=b", "a&b", "a*", "(a)", "a+b", "a!", "a$", "a'b", "a/", "a\\b", "u@a", "\u{E9}",
            "[", "[]", "[]:1", "[:]", "[:::]", "[1]", "[:1]", "[1:]", "[1::2::3]", "[12345::]", "[g::]", "[::1",
            "[::1]a", "[::1]80", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]", "[::1.2.3]", "[::1.2.3.256]",
            "[::01.2.3.4]", "[::1.2.3.4.5]", "[1:2:3:4:5:6:7:1.2.3.4]", "[1.2.3.4]", "[::1.2.3.4:5]", "[v1.a]",
            "[fe80::1%25eth0]", "a[::1]",
        ])
    func refuses(host: String) {
        let valid = unsafe HostSyntax.isValid(bytes(host).span.bytes)
        #expect(!valid)
    }
}
