/// The meaning of a field name in HTTP/2, determined once, when the name is first decoded.
package enum FieldName: UInt8, BitwiseCopyable, Sendable {
    case other
    // Pseudo-fields (RFC 9113 §8.3)
    case method, scheme, authority, path, status, unknownPseudo
    // Fields that a request's meaning depends on
    case host, cookie, contentLength, contentType, expect, te, priority
    /// A connection-specific field, which HTTP/2 forbids (RFC 9113 §8.2.2).
    case connectionSpecific

    package var isPseudo: Bool { rawValue >= Self.method.rawValue && rawValue <= Self.unknownPseudo.rawValue }

    /// Classifies the name at `start..<end` of `bytes`; the length distinguishes most names before any byte is
    /// compared.
    ///
    /// Case is ignored, so a name with capitals, which is rejected for them, is never mistaken for another.
    @inline(__always)
    init(_ bytes: RawSpan, from start: Int, to end: Int) {
        if start < end, bytes.byte(at: start) == ASCII.colon {
            self = Self.pseudo(bytes, from: start, to: end)
            return
        }
        func isNamed(_ text: StaticString) -> Bool { bytes.equals(text, from: start, to: end) }
        self =
            switch end - start {
            case 2: isNamed("te") ? .te : .other
            case 4: isNamed("host") ? .host : .other
            case 6: isNamed("cookie") ? .cookie : isNamed("expect") ? .expect : .other
            case 7: isNamed("upgrade") ? .connectionSpecific : .other
            case 8: isNamed("priority") ? .priority : .other
            case 10: isNamed("connection") || isNamed("keep-alive") ? .connectionSpecific : .other
            case 12: isNamed("content-type") ? .contentType : .other
            case 14: isNamed("content-length") ? .contentLength : .other
            case 16: isNamed("proxy-connection") ? .connectionSpecific : .other
            case 17: isNamed("transfer-encoding") ? .connectionSpecific : .other
            default: .other
            }
    }

    @inline(never)
    private static func pseudo(_ bytes: RawSpan, from start: Int, to end: Int) -> FieldName {
        func isNamed(_ text: StaticString) -> Bool { bytes.equals(text, from: start, to: end) }
        if isNamed(":method") { return .method }
        if isNamed(":path") { return .path }
        if isNamed(":scheme") { return .scheme }
        if isNamed(":authority") { return .authority }
        return isNamed(":status") ? .status : .unknownPseudo
    }

    /// The name as routes and handlers use it.
    package var known: KnownField {
        switch self {
        case .host, .authority: .host
        case .contentLength: .contentLength
        case .contentType: .contentType
        case .expect: .expect
        default: .other
        }
    }
}
