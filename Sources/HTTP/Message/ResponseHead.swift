/// How the end of a response body is determined (RFC 9112 §6.3).
package enum ResponseFraming: BitwiseCopyable, Equatable, Sendable {
    case none
    /// Content-Length, in bytes.
    case length(UInt64)
    case chunked
    case untilClose
}

/// A parsed and validated response head of an upstream server; all slices are relative to its first byte.
package struct ResponseHead: BitwiseCopyable, Sendable {
    package var version = HTTPVersion.http11
    package var status = 0
    /// May be empty.
    package var reason = Slice.empty
    package var framing = ResponseFraming.none
    /// The value of Content-Length, also if the response has no body.
    package var declaredLength: UInt64?
    /// Whether the server allows the connection to persist after the response (RFC 9112 §9.3).
    package var keepAlive = true

    package var fieldCount = 0
    /// The length of the whole head in bytes.
    package var length = 0

    package init() {}

    /// Whether a final response follows (RFC 9110 §15.2).
    package var isInterim: Bool { status < 200 && status != 101 }
}
