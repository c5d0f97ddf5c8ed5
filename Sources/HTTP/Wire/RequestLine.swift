/// The request line: `method SP request-target SP HTTP-version`, single spaces (RFC 9112 §3).
enum RequestLine {
    /// Parses `start..<end`, the line without its CRLF, into `head`.
    static func parse(
        _ input: RawSpan, from start: Int, to end: Int, into head: inout RequestHead
    ) throws(RequestRejection) {
        let methodEnd = try parseMethod(input, from: start, to: end, into: &head)
        let targetStart = methodEnd + 1
        let targetEnd = input.first(from: targetStart, to: end) { $0.outsideTarget }
        guard targetEnd < end else { throw .invalidRequestLine }
        guard input.byte(at: targetEnd) == ASCII.space else {
            throw FieldSyntax.lineFault(input, from: start, to: end, otherwise: .invalidTarget)
        }
        guard targetEnd > targetStart, let version = try parseVersion(input, from: targetEnd + 1, to: end) else {
            throw FieldSyntax.lineFault(input, from: start, to: end, otherwise: .invalidRequestLine)
        }
        head.version = version
        head.target = Slice(targetStart, targetEnd)
        try parseTarget(input, from: targetStart, to: targetEnd, into: &head)
    }

    /// Returns the offset of the space after the method.
    private static func parseMethod(
        _ input: RawSpan, from start: Int, to end: Int, into head: inout RequestHead
    ) throws(RequestRejection) -> Int {
        let methodEnd = FieldSyntax.tokenEnd(input, from: start, to: end)
        guard methodEnd > start, methodEnd < end, input.byte(at: methodEnd) == ASCII.space else {
            let rejection = methodEnd == end ? RequestRejection.invalidRequestLine : .invalidMethod
            throw FieldSyntax.lineFault(input, from: start, to: end, otherwise: rejection)
        }
        head.methodToken = Slice(start, methodEnd)
        head.method = method(input, from: start, to: methodEnd)
        return methodEnd
    }

    /// The method with this name, which is case-sensitive.
    @inline(__always)
    static func method(_ input: RawSpan, from start: Int, to end: Int) -> Method {
        var letters: UInt64 = 0
        guard end - start <= 8 else { return .other }
        for offset in start..<end { letters = letters &<< 8 | UInt64(input.byte(at: offset)) }
        return switch letters {
        case 0x47_4554: .get
        case 0x4845_4144: .head
        case 0x504F_5354: .post
        case 0x50_5554: .put
        case 0x4445_4C45_5445: .delete
        case 0x4F_5054_494F_4E53: .options
        case 0x50_4154_4348: .patch
        case 0x43_4F4E_4E45_4354: .connect
        case 0x54_5241_4345: .trace
        default: .other
        }
    }

    /// `HTTP/` digit `.` digit, in capitals (RFC 9112 §2.3); nil for any other text.
    private static func parseVersion(
        _ input: RawSpan, from start: Int, to end: Int
    ) throws(RequestRejection) -> HTTPVersion? {
        guard end - start == 8 else { return nil }
        let word = input.word(at: start)
        let nameAndDot: UInt64 = 0x002E_002F_5054_5448
        let major = UInt8(truncatingIfNeeded: word >> 40)
        let minor = UInt8(truncatingIfNeeded: word >> 56)
        guard word & 0x00FF_00FF_FFFF_FFFF == nameAndDot, isDigit(major), isDigit(minor) else { return nil }
        guard major == 0x31 else { throw .unsupportedVersion }
        return minor == 0x30 ? .http10 : .http11
    }

    /// Distinguishes the four forms (RFC 9112 §3.2); every byte is visible ASCII and none is "#".
    private static func parseTarget(
        _ input: RawSpan, from start: Int, to end: Int, into head: inout RequestHead
    ) throws(RequestRejection) {
        if head.method == .connect {
            guard HostSyntax.isValid(input, from: start, to: end, port: .required) else { throw .invalidTarget }
            head.form = .authority
            head.authority = Slice(start, end)
        } else if input.byte(at: start) == ASCII.slash {
            head.form = .origin
            splitQuery(input, from: start, to: end, into: &head)
        } else if input.byte(at: start) == 0x2A, end - start == 1 {
            guard head.method == .options else { throw .invalidTarget }
            head.form = .asterisk
            head.path = Slice(start, end)
        } else {
            try parseAbsolute(input, from: start, to: end, into: &head)
        }
    }

    /// `http://authority/path?query`; the authority replaces Host (RFC 9112 §3.2.2) and has no user information.
    private static func parseAbsolute(
        _ input: RawSpan, from start: Int, to end: Int, into head: inout RequestHead
    ) throws(RequestRejection) {
        let authority: Int
        if input.hasPrefix("http://", from: start, to: end) {
            authority = start + 7
        } else if input.hasPrefix("https://", from: start, to: end) {
            authority = start + 8
        } else {
            throw .invalidTarget
        }
        let authorityEnd = input.first(from: authority, to: end) {
            $0.equal(to: ASCII.slash) .| $0.equal(to: ASCII.question)
        }
        guard HostSyntax.isValid(input, from: authority, to: authorityEnd, port: .optional) else {
            throw .invalidTarget
        }
        head.form = .absolute
        head.authority = Slice(authority, authorityEnd)
        splitQuery(input, from: authorityEnd, to: end, into: &head)
        // An empty path means "/" (RFC 9110 §4.2.3): the slice refers to the slash before the authority.
        if head.path.isEmpty { head.path = Slice(authority - 1, authority) }
    }

    static func splitQuery(_ input: RawSpan, from start: Int, to end: Int, into head: inout RequestHead) {
        let question = input.first(ASCII.question, from: start, to: end)
        head.path = Slice(start, question)
        head.hasQuery = question < end
        if head.hasQuery { head.query = Slice(question + 1, end) }
    }
}
