/// A position in a request head: an offset from its first received byte and a length, in bytes.
///
/// Using offsets instead of copies makes a head free of allocations; they stay valid when the buffer moves.
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

/// The protocol versions that the gateway supports (RFC 9112 §2.3, RFC 9113).
///
/// A minor version above 1 is answered as 1.1; any other major version in a request line is rejected.
package enum HTTPVersion: UInt8, BitwiseCopyable, Sendable {
    case http10, http11, http2

    /// The name in access logs and server variables.
    package var name: StaticString {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2.0"
        }
    }
}

/// A request method (RFC 9110 §9.1); `other` represents any other token, which is in `RequestHead.methodToken`.
package enum Method: UInt8, BitwiseCopyable, Sendable {
    case get, head, post, put, delete, options, patch, connect, trace, other
}

/// The four forms of a request target (RFC 9112 §3.2).
package enum TargetForm: UInt8, BitwiseCopyable, Sendable {
    case origin, absolute, authority, asterisk
}

/// How the end of a request body is determined (RFC 9112 §6.3).
package enum BodyFraming: BitwiseCopyable, Equatable, Sendable {
    case none
    /// Content-Length, in bytes.
    case length(UInt64)
    case chunked
}

/// Fields that the gateway itself acts on, recognized while parsing so that no name is compared twice.
package enum KnownField: UInt8, BitwiseCopyable, Sendable {
    case other, host, connection, contentLength, contentType, transferEncoding, expect
}

/// One header field: name and value as sent, without the surrounding white space.
///
/// If the target is in absolute form, the value of Host is taken from the target and therefore precedes the name.
package struct FieldSlice: BitwiseCopyable, Sendable {
    package var name: Slice
    package var value: Slice
    package var known: KnownField

    package init(name: Slice, value: Slice, known: KnownField) {
        self.name = name
        self.value = value
        self.known = known
    }

    /// What fills a table of fields.
    package static var none: FieldSlice { FieldSlice(name: .empty, value: .empty, known: .other) }
}

/// A parsed and validated request head. All slices are relative to its first received byte, which belongs to an empty
/// line before the request line if there was one.
package struct RequestHead: BitwiseCopyable, Sendable {
    package var method = Method.other
    package var version = HTTPVersion.http11
    package var form = TargetForm.origin
    package var framing = BodyFraming.none
    /// Whether the client allows the connection to persist after the response (RFC 9112 §9.3).
    package var keepAlive = true
    /// Expect: 100-continue on a request that has a body (RFC 9110 §10.1.1).
    package var expectsContinue = false
    /// Whether the target contains a "?", even if nothing follows it.
    package var hasQuery = false

    package var methodToken = Slice.empty
    /// The request target as sent.
    package var target = Slice.empty
    /// The target's path, still percent-encoded; "*" for asterisk form, empty for authority form.
    package var path = Slice.empty
    /// The text after the "?".
    package var query = Slice.empty
    /// `host[:port]` from an absolute-form or authority-form target, otherwise from Host; may be empty.
    package var authority = Slice.empty

    package var fieldCount = 0
    /// The length of the whole head in bytes, including empty lines before it.
    package var length = 0

    package init() {}
}
