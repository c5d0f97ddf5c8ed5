import Testing

@testable import HTTP

@Suite("Request heads of HTTP/2")
struct RequestAssemblyTests {
    typealias Fields = [(String, String)]

    private func parsed(
        _ fields: Fields, endsStream: Bool = true, limits: HeadLimits = HeadLimits()
    ) throws(RequestRejection) -> ParsedRequest {
        var request = RequestAssembly(limits: limits)
        var encoder = HPACKEncoder()
        var decoder = HPACKDecoder()
        let block = encoder.block(of: fields.map { TestField($0.0, $0.1) })
        // Names in capitals survive only in a block of our own making.
        do { try decoder.decode(Self.literal(fields) ?? block, into: &request.fields) } catch { fatalError("\(error)") }
        try request.assemble(endsStream: endsStream)
        return ParsedRequest(request)
    }

    /// The fields as plain literals, where their lengths are short.
    private static func literal(_ fields: Fields) -> [UInt8]? {
        var block: [UInt8] = []
        for (name, value) in fields {
            guard name.utf8.count < 127, value.utf8.count < 127 else { return nil }
            block += [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        return block
    }

    private static let get: Fields = [
        (":method", "GET"), (":scheme", "https"), (":path", "/a/b?c=d"), (":authority", "example.com:8443"),
    ]

    @Test("A head has the shape of one of HTTP/1: host among its fields, no pseudo-field left")
    func shape() throws {
        let request = try parsed(Self.get + [("accept", "*/*"), ("content-type", "a/b")])
        #expect(request.method == "GET" && request.path == "/a/b" && request.query == "c=d")
        #expect(request.authority == "example.com:8443" && request.framing == .none)
        #expect(request.fields == ["host: example.com:8443", "accept: */*", "content-type: a/b"])
        #expect(try parsed(Self.get, endsStream: false).framing == .chunked)
        #expect(try parsed(Self.get + [("content-length", "12")], endsStream: false).framing == .length(12))
        #expect(try parsed(Self.get + [("content-length", "0")]).framing == .length(0))
    }

    @Test("Pseudo-fields may come in any order, and Host may stand for :authority or repeat it")
    func authorities() throws {
        let reversed = try parsed(Self.get.reversed() + [("x", "y")])
        #expect(reversed.fields == ["host: example.com:8443", "x: y"] && reversed.path == "/a/b")
        let host = try parsed(Array(Self.get[..<3]) + [("x", "y"), ("host", "a")])
        #expect(host.authority == "a" && host.fields == ["x: y", "host: a"])
        let both = try parsed(Self.get + [("host", "EXAMPLE.com:8443"), ("x", "y")])
        #expect(both.fields == ["host: example.com:8443", "x: y"])
    }

    @Test("OPTIONS may ask for *, CONNECT for a host with a port")
    func targets() throws {
        let options: Fields = [(":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), (":authority", "a")]
        #expect(try parsed(options).path == "*")
        let connect = try parsed([(":method", "CONNECT"), (":authority", "a:443")], endsStream: false)
        #expect(connect.authority == "a:443" && connect.path == "")
        #expect(
            try parsed([(":method", "get"), (":scheme", "http"), (":path", "/"), (":authority", "a")]).method == "get")
    }

    static let cookies: [(Fields, [String])] = [
        ([("cookie", "a=b")], ["cookie: a=b"]),
        ([("cookie", "a=b"), ("cookie", "c=d")], ["cookie: a=b; c=d"]),
        ([("cookie", "a=b"), ("x", "y"), ("cookie", "c=d"), ("z", "w")], ["x: y", "z: w", "cookie: a=b; c=d"]),
        ([("x", "y"), ("cookie", ""), ("cookie", "c"), ("cookie", "e=f")], ["x: y", "cookie: c; e=f"]),
        (
            [("cookie", "1"), ("a", "1"), ("cookie", "2"), ("bb", "22"), ("cookie", "3"), ("ccc", "")],
            ["a: 1", "bb: 22", "ccc: ", "cookie: 1; 2; 3"]
        ),
    ]

    @Test("Cookie crumbs become one field", arguments: cookies)
    func crumbs(fields: Fields, expected: [String]) throws {
        let request = try parsed(Self.get + fields)
        #expect(request.fields == ["host: example.com:8443"] + expected)
        #expect(request.path == "/a/b" && request.method == "GET")
    }

    static let refusals: [(Fields, RequestRejection)] = [
        // Pseudo-fields (RFC 9113 §8.3)
        (Array(get[1...]), .missingPseudoField), ([get[0]] + get[2...], .missingPseudoField),
        (get[..<2] + [get[3]], .missingPseudoField), (Array(get[..<3]), .missingHost), ([], .missingPseudoField),
        (get + [get[0]], .repeatedPseudoField), (get + [get[1]], .repeatedPseudoField),
        (get + [get[2]], .repeatedPseudoField), (get + [get[3]], .repeatedPseudoField),
        (get + [(":status", "200")], .unknownPseudoField), (get + [(":protocol", "websocket")], .unknownPseudoField),
        (get + [(":x", "y")], .unknownPseudoField), (get + [(":", "y")], .invalidFieldName),
        (get[..<3] + [("x", "y"), get[3]], .misplacedPseudoField),
        ([("x", "y")] + get, .misplacedPseudoField), ([get[3], ("x", "y")] + get[..<3], .misplacedPseudoField),
        (get[..<3] + [("host", "a"), get[3]], .misplacedPseudoField),
        // Targets
        ([get[0], get[1], (":path", ""), get[3]], .invalidTarget),
        ([get[0], get[1], (":path", "a"), get[3]], .invalidTarget),
        ([get[0], get[1], (":path", "*"), get[3]], .invalidTarget),
        ([get[0], get[1], (":path", "/a b"), get[3]], .invalidTarget),
        ([get[0], get[1], (":path", "/a#b"), get[3]], .invalidTarget),
        ([get[0], get[1], (":path", "/\u{E9}"), get[3]], .invalidTarget),
        ([get[0], get[1], (":path", "http://a/"), get[3]], .invalidTarget),
        ([get[0], (":scheme", "ftp"), get[2], get[3]], .invalidScheme),
        ([get[0], (":scheme", ""), get[2], get[3]], .invalidScheme),
        ([(":method", "")] + get[1...], .invalidMethod), ([(":method", "G T")] + get[1...], .invalidMethod),
        ([(":method", "GET ")] + get[1...], .blankAroundFieldValue),
        ([(":method", "CONNECT")] + get[1...], .invalidTarget),
        ([(":method", "CONNECT"), (":authority", "a")], .invalidTarget),
        ([(":method", "CONNECT"), ("host", "a:1")], .missingPseudoField),
        // Authorities
        (get[..<3] + [(":authority", "")], .invalidHost), (get[..<3] + [(":authority", "u@a")], .invalidHost),
        (get[..<3] + [(":authority", "a/b")], .invalidHost), (get + [("host", "other")], .hostMismatch),
        (get + [("host", "example.com")], .hostMismatch), (get + [("host", "")], .hostMismatch),
        (get[..<3] + [("host", "a"), ("host", "a")], .duplicateHost),
        (get + [("host", "example.com:8443"), ("host", "example.com:8443")], .duplicateHost),
        // Fields (§8.2)
        (get + [("Accept", "x")], .capitalInFieldName), (get + [("acCept-encoding", "x")], .capitalInFieldName),
        (get + [("", "x")], .emptyFieldName), (get + [("a b", "x")], .invalidFieldName),
        (get + [("a:b", "x")], .invalidFieldName), (get + [("a\r\n", "x")], .invalidFieldName),
        (get + [("a", "b\r\nc: d")], .invalidFieldValue), (get + [("a", "b\0")], .invalidFieldValue),
        (get + [("a", " b")], .blankAroundFieldValue), (get + [("a", "b\t")], .blankAroundFieldValue),
        (get + [("connection", "close")], .connectionField), (get + [("keep-alive", "1")], .connectionField),
        (get + [("proxy-connection", "1")], .connectionField), (get + [("upgrade", "h2c")], .connectionField),
        (get + [("transfer-encoding", "chunked")], .connectionField), (get + [("te", "gzip")], .connectionField),
        (get + [("te", "trailers, gzip")], .connectionField), (get + [("te", "")], .connectionField),
        // Framing
        (get + [("content-length", "1")], .contentLengthMismatch),
        (get + [("content-length", "x")], .invalidContentLength),
        (get + [("content-length", "")], .invalidContentLength),
        (get + [("content-length", "+1")], .invalidContentLength),
        (get + [("content-length", "0"), ("content-length", "0")], .conflictingContentLength),
        (get + [("content-length", "9223372036854775808")], .invalidContentLength),
        (get + [("expect", "200-ok")], .unknownExpectation),
    ]

    @Test("What is malformed is refused for what is wrong with it", arguments: refusals)
    func refused(fields: Fields, expected: RequestRejection) {
        #expect(throws: expected) { try parsed(fields) }
    }

    @Test("What HTTP/1 takes is taken: te of trailers, an expectation, values of any bytes but controls")
    func taken() throws {
        let fields: Fields = [("te", "Trailers"), ("expect", "100-continue"), ("x", "a\tb \u{E9}"), ("y", "")]
        #expect(
            try parsed(Self.get + fields).fields.dropFirst() == [
                "te: Trailers", "expect: 100-continue", "x: a\tb \u{E9}", "y: ",
            ])
    }

    @Test("A target longer than HTTP/1's request line may be is answered with 414")
    func longTarget() throws {
        let limits = HeadLimits(maximumRequestLine: 32)
        let path = "/" + String(repeating: "a", count: 16)
        let fields: Fields = [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "a")]
        #expect(try parsed(fields, limits: limits).path == path)
        #expect(throws: RequestRejection.requestLineTooLong) {
            try parsed(fields.map { $0.0 == ":path" ? ($0.0, path + "a") : $0 }, limits: limits)
        }
    }

    static let trailers: [(Fields, RequestRejection?)] = [
        ([("x-checksum", "1")], nil), ([], nil), ([("grpc-status", "0"), ("a", "b")], nil),
        ([(":path", "/")], .misplacedPseudoField), ([("content-length", "1")], .invalidTrailer),
        ([("host", "a")], .invalidTrailer), ([("connection", "close")], .connectionField),
        ([("te", "trailers")], .invalidTrailer),
        ([("authorization", "x")], .invalidTrailer), ([("cookie", "x")], .invalidTrailer),
        ([("X", "y")], .capitalInFieldName),
        ([("x", "y\n")], .invalidFieldValue), ([("transfer-encoding", "x")], .connectionField),
    ]

    @Test("Trailers may not say what the head has said", arguments: trailers)
    func checksTrailers(fields: Fields, expected: RequestRejection?) throws {
        var request = RequestAssembly()
        var decoder = HPACKDecoder()
        try decoder.decode(Self.literal(fields)!, into: &request.fields)
        do throws(RequestRejection) {
            try request.checkTrailers()
            #expect(expected == nil)
        } catch {
            #expect(error == expected)
        }
    }
}
