/// Where something stands in a request head: an offset from its first byte received and a count, in bytes.
///
/// Offsets instead of copies keep a head free of allocation; they stay true when the buffer moves.
package struct Slice: BitwiseCopyable, Equatable, Sendable {
    package var start: UInt32
    package var count: UInt32

    package static let empty = Slice(start: 0, count: 0)

    package init(start: UInt32, count: UInt32) {
        self.start = start
        self.count = count
    }

    @inline(__always)
    package init(_ start: Int, _ end: Int) {
        self.init(start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: end - start))
    }

    @inline(__always)
    package var isEmpty: Bool { count == 0 }
    @inline(__always)
    package var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// The protocol versions this gateway speaks on a connection (RFC 9112 §2.3, RFC 9113).
///
/// A minor version above 1 is answered as 1.1; in a request line any other major version is refused.
package enum HTTPVersion: UInt8, BitwiseCopyable, Sendable {
    case http10, http11, http2

    /// As access logs and server variables have it.
    package var name: StaticString {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2.0"
        }
    }
}

/// A request method (RFC 9110 §9.1); `other` stands for any further token, found in `RequestHead.methodToken`.
package enum Method: UInt8, BitwiseCopyable, Sendable {
    case get, head, post, put, delete, options, patch, connect, trace, other
}

/// The four forms of a request target (RFC 9112 §3.2).
package enum TargetForm: UInt8, BitwiseCopyable, Sendable {
    case origin, absolute, authority, asterisk
}

/// How the end of a request body is found (RFC 9112 §6.3).
package enum BodyFraming: BitwiseCopyable, Equatable, Sendable {
    case none
    /// Content-Length, in bytes.
    case length(UInt64)
    case chunked
}

/// Fields the gateway itself acts on; told apart while parsing so that no name is compared twice.
package enum KnownField: UInt8, BitwiseCopyable, Sendable {
    case other, host, connection, contentLength, contentType, transferEncoding, expect
}

/// One header field: name and value without the surrounding white space, as sent.
///
/// The value of Host beside a target in absolute form is that of the target, and so stands in front of the name.
package struct FieldSlice: BitwiseCopyable, Sendable {
    package var name: Slice
    package var value: Slice
    package var known: KnownField

    package init(name: Slice, value: Slice, known: KnownField) {
        self.name = name
        self.value = value
        self.known = known
    }
}

/// A parsed and validated request head; all slices count from the first byte received for it,
/// so from an empty line in front of the request line when there was one.
package struct RequestHead: BitwiseCopyable, Sendable {
    package var method = Method.other
    package var version = HTTPVersion.http11
    package var form = TargetForm.origin
    package var framing = BodyFraming.none
    /// Whether the client lets the connection go on after the response (RFC 9112 §9.3).
    package var keepAlive = true
    /// Expect: 100-continue on a request that has a body (RFC 9110 §10.1.1).
    package var expectsContinue = false
    /// Whether the target had a "?", even when nothing follows it.
    package var hasQuery = false

    package var methodToken = Slice.empty
    /// The request target as sent.
    package var target = Slice.empty
    /// The target's path, still percent-encoded; "*" for asterisk form, empty for authority form.
    package var path = Slice.empty
    /// What follows "?", without it.
    package var query = Slice.empty
    /// `host[:port]` from an absolute-form or authority-form target, otherwise from Host; may be empty.
    package var authority = Slice.empty

    package var fieldCount = 0
    /// Bytes of the whole head, empty lines included.
    package var length = 0

    package init() {}
}
