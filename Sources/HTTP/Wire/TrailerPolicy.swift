/// Which trailer fields reach the next hop (RFC 9110 §6.5.1).
///
/// Whoever joins them with the fields of the head would read there what nobody looked at: how the message is framed, whom
/// it is for, who sent it, what was asked. Such fields are left out; names are compared by CGI's rules.
package enum TrailerPolicy {
    /// - Parameter line: a field line, without its CRLF.
    package static func passes(line: RawSpan) -> Bool {
        passes(line.extracting(0..<line.first(ASCII.colon, from: 0, to: line.byteCount)))
    }

    static func passes(_ name: RawSpan) -> Bool {
        if names.contains(where: { VariableName.isSame(name, as: $0) }) { return true }
        return !prefixes.contains { VariableName.hasPrefix(name, $0) }
            && !withheld.contains { VariableName.isSame(name, as: $0) }
    }

    /// The fields whose names begin as a forbidden one and that are made for trailers.
    private static let names: [StaticString] = ["content-digest", "content-md5"]

    private static let prefixes: [StaticString] = [
        // The content and how it is read.
        "content-",
        // Conditions.
        "if-",
        // Where a request came from, and who asks, as proxies tell it.
        "x-forwarded-", "x-real-", "x-client-", "x-remote-", "x-original-", "x-ssl-", "x-auth", "x-user", "proxy-",
        "sec-", "http2-",
        // What browsers are told to allow and to forbid.
        "access-control-", "cross-origin-", "x-frame-", "x-content-type-", "x-xss-", "strict-transport-",
    ]

    private static let withheld: [StaticString] = [
        // Framing and the connection.
        "transfer-encoding", "trailer", "te", "connection", "keep-alive", "upgrade",
        // Routing.
        "host", "forwarded", "via", "max-forwards", "x-rewrite-url", "x-http-method-override", "x-http-method",
        "x-method-override", "client-ip", "true-client-ip", "x-cluster-client-ip", "cf-connecting-ip",
        // What a request asks for.
        "expect", "range", "cache-control", "pragma", "accept", "accept-encoding", "origin", "referer", "user-agent",
        // Who asks.
        "authorization", "www-authenticate", "cookie", "cookie2", "set-cookie", "set-cookie2", "remote-user",
        "x-csrf-token", "x-api-key",
        // What a response tells of itself.
        "age", "date", "expires", "location", "refresh", "retry-after", "vary", "warning", "server", "last-modified",
        "accept-ranges", "allow", "link", "alt-svc", "clear-site-data", "referrer-policy", "permissions-policy",
        "status",
    ]
}
