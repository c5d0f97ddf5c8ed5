import Testing

@testable import HTTP
@testable import Proxy

@Suite("Paths and names in responses") struct ResponseRewritingTests {
    @Test(arguments: [
        ("Location: /x", "/api/x"), ("Location: /", "/api/"), ("Location: //other/x", nil), ("Location: x", nil),
        ("Location: http://inner:9000/x?q", "/api/x?q"), ("Location: https://INNER:9000", "/api"),
        ("Location: http://inner:9000?q", "/api?q"), ("Location: https://front.test/x", "https://front.test/api/x"),
        ("Location: http://inner/x", nil), ("Location: http://inner:9000.test/x", nil),
        ("Location: ftp://inner:9000/", nil),
        ("Content-Location: /x", "/api/x"), ("Refresh: 5; URL=/x", "5; URL=/api/x"),
        ("Refresh: 5; url=http://inner:9000/x", "5; url=/api/x"), ("Refresh: 5", nil), ("X-Location: /x", nil),
    ]) func `A prefix is put back`(_ line: String, _ value: String?) throws {
        #expect(try rewritten(line, ProxyRoute(prefix: "/api")) == value)
    }

    @Test(arguments: [
        ("Location: /x", nil), ("Location: http://inner:9000/x", "/x"), ("Location: http://inner:9000", "/"),
        ("Location: http://inner:9000?q", "/?q"), ("Location: http://inner:9000//evil.test/", nil),
        ("Location: https://front.test/x", nil), ("Location: http://own.test/x", "/x"),
    ]) func `The server's name gives way without a prefix`(_ line: String, _ value: String?) throws {
        #expect(try rewritten(line, ProxyRoute(host: .fixed(Array("own.test".utf8)))) == value)
    }

    @Test(arguments: [
        ("Location: /v2/x", "/api/x"), ("Location: /v2", "/api"), ("Location: /v2?q", "/api?q"),
        ("Location: /v22", nil),
        ("Location: /x", nil), ("Location: http://inner:9000/v2/x", "/api/x"), ("Location: http://inner:9000/x", nil),
        ("Location: http://front.test/v2/x", "http://front.test/api/x"),
        ("Set-Cookie: a=b; Path=/v2/x", "a=b; Path=/api/x"), ("Set-Cookie: a=b; Path=/x", "a=b; Path=/x"),
    ]) func `The server's own prefix is exchanged`(_ line: String, _ value: String?) throws {
        #expect(try rewritten(line, ProxyRoute(prefix: "/api", innerPrefix: "/v2")) == value)
    }

    @Test(arguments: [
        ("Location: /v2/x", "/x"), ("Location: /v2", "/"), ("Location: /v2//evil.test", nil),
        ("Location: /v2/\\evil.test", nil), ("Location: /v2/\t/evil.test", nil), ("Location: /v2/\t\t\\evil.test", nil),
        ("Location: /v2/a\\b", "/a\\b"), ("Refresh: 0; url=/v2/\\evil.test", nil),
        ("Location: http://inner:9000/v2/\\evil.test", nil),
        ("Location: http://front.test/v2//x", "http://front.test//x"), ("Set-Cookie: a=b; path=/v2", "a=b; path=/"),
    ]) func `The server's own prefix is taken away`(_ line: String, _ value: String?) throws {
        #expect(try rewritten(line, ProxyRoute(innerPrefix: "/v2")) == value)
    }

    @Test(arguments: [
        ("path=/x; Path=/;  PATH=/y; Secure", "path=/x; Path=/api/;  PATH=/api/y; Secure"), ("a=b", "a=b"),
        ("a=b;", "a=b;"), ("a=b; Path=", "a=b; Path="), ("a=b; Path=x", "a=b; Path=x"),
        ("a=b; Domain=inner", "a=b; Domain=front.test"), ("a=b; domain=.INNER; x", "a=b; domain=front.test; x"),
        ("a=b; Domain=other.test", "a=b; Domain=other.test"), ("domain=inner", "domain=inner"),
    ]) func `Cookies belong to the client's paths and host`(_ cookie: String, _ value: String) throws {
        #expect(try rewritten("Set-Cookie: \(cookie)", ProxyRoute(prefix: "/api")) == value)
    }

    /// The value for the client; nil when the field is not changed.
    private func rewritten(_ line: String, _ route: ProxyRoute) throws -> String? {
        let message = Array("HTTP/1.1 200 OK\r\n\(line)\r\n\r\n".utf8)
        var parser = ResponseParser(limits: HeadLimits())
        var output = OutputBuffer()
        let isRewritten = try message.withBytes { message in
            try #require(try parser.parse(message.bytes, toHEAD: false))
            return Array("front.test:443".utf8).withBytes { client in
                let rewriting = ResponseRewriting(
                    client: line.contains("front.test/") ? client[..<10] : client,
                    route: route, authority: Array("inner:9000".utf8))
                return rewriting.append(parser.fields[0], of: message, to: &output)
            }
        }
        guard isRewritten else { return nil }
        let text = String(decoding: output.unsent, as: UTF8.self)
        #expect(text.hasSuffix("\r\n"))
        return text.split(separator: ": ", maxSplits: 1).last.map { String($0.dropLast()) }
    }
}
