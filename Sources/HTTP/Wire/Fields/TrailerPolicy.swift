/// Determines which trailer fields are forwarded to the next hop (RFC 9110 §6.5.1).
///
/// A recipient that merged them with the fields of the head would use values that have not been checked: for framing,
/// routing, authentication, or the content of the request. Such fields are dropped; names are compared by the mapping
/// of CGI.
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

    /// Fields whose names begin like forbidden ones and that are intended for trailers.
    private static let names: [StaticString] = ["content-digest", "content-md5"]

    private static let prefixes: [StaticString] = [
        // The content and its processing.
        "content-",
        // Conditions.
        "if-",
        // The origin and user of a request, as stated by proxies.
        "x-forwarded-", "x-real-", "x-client-", "x-remote-", "x-original-", "x-ssl-", "x-auth", "x-user", "proxy-",
        "sec-", "http2-",
        // Security policies for browsers.
        "access-control-", "cross-origin-", "x-frame-", "x-content-type-", "x-xss-", "strict-transport-",
    ]

    private static let withheld: [StaticString] = [
        // Framing and the connection.
        "transfer-encoding", "trailer", "te", "connection", "keep-alive", "upgrade",
        // Routing.
        "host", "forwarded", "via", "max-forwards", "x-rewrite-url", "x-http-method-override", "x-http-method",
        "x-method-override", "client-ip", "true-client-ip", "x-cluster-client-ip", "cf-connecting-ip",
        // Request modifiers.
        "expect", "range", "cache-control", "pragma", "accept", "accept-encoding", "origin", "referer", "user-agent",
        // Authentication.
        "authorization", "www-authenticate", "cookie", "cookie2", "set-cookie", "set-cookie2", "remote-user",
        "x-csrf-token", "x-api-key",
        // Properties of a response.
        "age", "date", "expires", "location", "refresh", "retry-after", "vary", "warning", "server", "last-modified",
        "accept-ranges", "allow", "link", "alt-svc", "clear-site-data", "referrer-policy", "permissions-policy",
        "status",
    ]
}
