/// How the end of a response body is found (RFC 9112 §6.3).
package enum ResponseFraming: BitwiseCopyable, Equatable, Sendable {
    case none
    /// Content-Length, in bytes.
    case length(UInt64)
    case chunked
    case untilClose
}

/// A parsed and validated response head of an upstream server; all slices count from its first byte.
package struct ResponseHead: BitwiseCopyable, Sendable {
    package var version = HTTPVersion.http11
    package var status = 0
    /// May be empty.
    package var reason = Slice.empty
    package var framing = ResponseFraming.none
    /// What Content-Length says, also where the response has no body.
    package var declaredLength: UInt64?
    /// Whether the server lets the connection go on after the response (RFC 9112 §9.3).
    package var keepAlive = true

    package var fieldCount = 0
    /// Bytes of the whole head.
    package var length = 0

    package init() {}

    /// Whether a final response is still to come (RFC 9110 §15.2).
    package var isInterim: Bool { status < 200 && status != 101 }
}
