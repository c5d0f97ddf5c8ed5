import Testing

@testable import HTTP

@Suite("Names by CGI's rules")
struct VariableNameTests {
    @Test(
        "Names that stand for one variable are the same",
        arguments: [
            ("X-User", "x-user", true), ("X_User", "x-user", true), ("x.USER", "x-user", true),
            ("X~User", "x-user", true),
            ("X-User2", "x-user2", true), ("X-Use", "x-user", false), ("XX-User", "x-user", false), ("", "", true),
            ("X-Us\u{E9}", "x-use", false), ("X@User", "x-user", true), ("X-1", "x-i", false),
        ] as [(String, String, Bool)])
    func compares(name: String, variable: String, expected: Bool) {
        let name = bytes(name)
        let isSame = unsafe VariableName.isSame(name.span.bytes, as: VariableName.folded(bytes(variable)))
        #expect(isSame == expected)
    }

    @Test("A name of letters, digits and hyphens is its variable's only plain spelling")
    func knowsPlainNames() {
        for byte in UInt8.min...UInt8.max {
            for place in [0, 7, 15, 16, 20] {
                var name = Array(repeating: UInt8(ascii: "a"), count: 21)
                name[place] = byte
                let text = String(Unicode.Scalar(byte))
                let isPlain = byte < 0x80 && (text == "-" || text.allSatisfy { $0.isLetter || $0.isNumber })
                let isAmbiguous = unsafe VariableName.isAmbiguous(name.span.bytes, from: 0, to: 21)
                #expect(isAmbiguous != isPlain)
            }
        }
    }
}

@Suite("Trailers that are passed on")
struct TrailerPolicyTests {
    @Test(
        "What frames, routes, authenticates or vouches does not pass, whatever its spelling",
        arguments: [
            "X-Forwarded-For", "x_forwarded_for", "X.Forwarded.Anything", "Forwarded", "VIA", "X-Real-IP",
            "Content-Length",
            "Content_Length", "Transfer-Encoding", "Host", "Authorization", "Proxy-Authorization", "Cookie",
            "Set-Cookie",
            "Content-Type", "content-location", "If-Match", "Range", "TE", "Trailer", "Connection", "Location", "Date",
            "Strict-Transport-Security", "Access-Control-Allow-Origin", "Sec-Fetch-Site", "X-Original-URL",
        ])
    func withholds(name: String) {
        let name = bytes(name)
        let passes = unsafe TrailerPolicy.passes(name.span.bytes)
        #expect(!passes)
    }

    @Test(
        "What is told of the content once it is known passes",
        arguments: [
            "X-Checksum", "Content-Digest", "Repr-Digest", "Content-MD5", "ETag", "Server-Timing", "grpc-status",
            "Grpc-Message", "X",
        ])
    func passes(name: String) {
        let name = bytes(name)
        let passes = unsafe TrailerPolicy.passes(name.span.bytes)
        #expect(passes)
    }
}
