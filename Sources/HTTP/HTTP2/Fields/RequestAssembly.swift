/// An HTTP/2 request as it is decoded: its fields, and the head made of them.
///
/// One object is lent to the connection that is decoding. After `assemble`, `head` and the fields have the form in
/// which `RequestParser` returns those of HTTP/1: every slice is relative to the first byte of `fields.text`, each
/// field has its line there, `host` is among the fields whether the client sent `:authority` or `host`, cookie crumbs
/// are one field, and pseudo-fields have been removed. `RequestParser.take(_:)` copies them into the parser of an
/// exchange, whose input gets a copy of the text, so that routes and handlers are independent of the protocol.
package struct RequestAssembly: ~Copyable {
    package var fields: FieldList
    package private(set) var head = RequestHead()
    /// The value of the `priority` field.
    package private(set) var priority: StreamPriority?

    private let limits: HeadLimits

    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
        fields = FieldList(limits: limits)
    }

    /// What the head requires but no HTTP/1 field contains.
    private struct Pseudo {
        var method: Slice?
        var scheme: Slice?
        var authority: Slice?
        var path: Slice?
    }

    private struct Meaning {
        var host: Slice?
        var contentLength: UInt64?
        var expectsContinue = false
        var cookies = 0
    }

    /// Makes a head of the fields (RFC 9113 §8.3.1), and rejects what HTTP/1 would reject and what only HTTP/2 forbids.
    package mutating func assemble(endsStream: Bool) throws(RequestRejection) {
        head = RequestHead()
        head.version = .http2
        priority = nil
        if let excess = fields.excess { throw excess }
        var pseudo = Pseudo()
        var meaning = Meaning()
        var kept = 0
        for index in 0..<fields.count {
            let field = fields[index]
            try Self.refuseFaults(of: field)
            if field.meaning.isPseudo {
                guard kept == 0 || kept == 1 && pseudo.authority != nil && meaning.host == nil else {
                    throw .misplacedPseudoField
                }
                try take(pseudo: field, &pseudo)
                guard field.meaning == .authority else { continue }
                fields[kept] = Self.host(in: field)
            } else {
                guard try take(field, &meaning, pseudo.authority) else { continue }
                fields[kept] = field
            }
            kept += 1
        }
        fields.keep(kept)
        try complete(pseudo, meaning, endsStream: endsStream)
        if meaning.cookies > 1 { fields.joinCookies() }
        head.fieldCount = fields.count
        head.length = fields.filled
    }

    @inline(__always)
    private static func refuseFaults(of field: FieldList.Field) throws(RequestRejection) {
        if let rejection = field.nameFault.rejection { throw rejection }
        if let rejection = field.valueFault.rejection { throw rejection }
    }

    // MARK: Pseudo-fields

    /// The field of `:authority` under its HTTP/1 name, which is shorter.
    private static func host(in field: FieldList.Field) -> FieldList.Field {
        var host = field
        host.name = Slice(start: field.name.start + field.name.count - 4, count: 4)
        return host
    }

    @inline(__always)
    private mutating func take(pseudo field: FieldList.Field, _ pseudo: inout Pseudo) throws(RequestRejection) {
        switch field.meaning {
        case .method: try Self.set(&pseudo.method, field.value)
        case .scheme: try Self.set(&pseudo.scheme, field.value)
        case .path: try Self.set(&pseudo.path, field.value)
        case .authority:
            try Self.set(&pseudo.authority, field.value)
            fields.renameAuthority(field)
        default: throw .unknownPseudoField
        }
    }

    @inline(__always)
    private static func set(_ part: inout Slice?, _ value: Slice) throws(RequestRejection) {
        guard part == nil else { throw .repeatedPseudoField }
        part = value
    }

    // MARK: Fields

    /// Processes a field; false if it is dropped because it repeats `:authority`.
    @inline(__always)
    private mutating func take(
        _ field: FieldList.Field, _ meaning: inout Meaning, _ authority: Slice?
    ) throws(RequestRejection) -> Bool {
        if field.meaning == .other { return true }
        let range = field.value.range
        let (start, end) = (range.lowerBound, range.upperBound)
        let text = fields.text.bytes
        switch field.meaning {
        case .connectionSpecific: throw .connectionField
        case .te: guard text.equals("trailers", from: start, to: end) else { throw .connectionField }
        case .host:
            guard meaning.host == nil else { throw .duplicateHost }
            meaning.host = field.value
            return authority == nil
        case .contentLength:
            guard meaning.contentLength == nil else { throw .conflictingContentLength }
            meaning.contentLength = try FieldMeaning.length(text, from: start, to: end)
        case .expect:
            guard text.equals("100-continue", from: start, to: end) else { throw .unknownExpectation }
            meaning.expectsContinue = true
        case .cookie: meaning.cookies += 1
        case .priority: priority = StreamPriority(text, from: start, to: end)
        default: break
        }
        return true
    }

    // MARK: The head

    @inline(__always)
    private mutating func complete(
        _ pseudo: Pseudo, _ meaning: Meaning, endsStream: Bool
    ) throws(RequestRejection) {
        guard let method = pseudo.method else { throw .missingPseudoField }
        let text = fields.text.bytes
        let (start, end) = (method.range.lowerBound, method.range.upperBound)
        guard start < end, FieldSyntax.tokenEnd(text, from: start, to: end) == end else { throw .invalidMethod }
        head.methodToken = method
        head.method = RequestLine.method(text, from: start, to: end)
        try takeAuthority(pseudo.authority, meaning.host)
        if head.method == .connect {
            guard pseudo.scheme == nil, pseudo.path == nil else { throw .invalidTarget }
            try takeConnectTarget(pseudo.authority)
        } else {
            guard let scheme = pseudo.scheme, let path = pseudo.path else { throw .missingPseudoField }
            try Self.check(scheme: scheme, text)
            try takePath(path)
        }
        try takeFraming(meaning, endsStream: endsStream)
    }

    private static func check(scheme: Slice, _ text: RawSpan) throws(RequestRejection) {
        let (start, end) = (scheme.range.lowerBound, scheme.range.upperBound)
        guard text.equals("https", from: start, to: end) || text.equals("http", from: start, to: end) else {
            throw .invalidScheme
        }
    }

    /// `:authority` and `host` must name the same host, if both are present (RFC 9113 §8.3.1).
    @inline(__always)
    private mutating func takeAuthority(_ authority: Slice?, _ host: Slice?) throws(RequestRejection) {
        guard let named = authority ?? host else { throw .missingHost }
        let text = fields.text.bytes
        let (start, end) = (named.range.lowerBound, named.range.upperBound)
        guard HostSyntax.isValid(text, from: start, to: end, port: .optional) else { throw .invalidHost }
        head.authority = named
        guard let host, authority != nil else { return }
        guard host.count == named.count else { throw .hostMismatch }
        for offset in 0..<Int(host.count) {
            let (one, two) = (text.byte(at: start + offset), text.byte(at: Int(host.start) + offset))
            guard lowercased(one) == lowercased(two) else { throw .hostMismatch }
        }
    }

    /// CONNECT has no target except its authority, which includes a port (RFC 9113 §8.5).
    private mutating func takeConnectTarget(_ authority: Slice?) throws(RequestRejection) {
        guard let authority else { throw .missingPseudoField }
        let text = fields.text.bytes
        let (start, end) = (authority.range.lowerBound, authority.range.upperBound)
        guard HostSyntax.isValid(text, from: start, to: end, port: .required) else { throw .invalidTarget }
        head.form = .authority
        head.target = authority
    }

    /// The target is in origin form, or "*" with OPTIONS.
    @inline(__always)
    private mutating func takePath(_ path: Slice) throws(RequestRejection) {
        let text = fields.text.bytes
        let (start, end) = (path.range.lowerBound, path.range.upperBound)
        // Counted as in HTTP/1: the method, two spaces, the version and CRLF.
        guard Int(head.methodToken.count) + (end - start) + 12 <= limits.maximumRequestLine else {
            throw .requestLineTooLong
        }
        guard start < end, text.first(from: start, to: end, where: { $0.outsideTarget }) == end else {
            throw .invalidTarget
        }
        head.target = path
        if text.byte(at: start) == ASCII.slash {
            RequestLine.splitQuery(text, from: start, to: end, into: &head)
        } else {
            guard end - start == 1, text.byte(at: start) == 0x2A, head.method == .options else { throw .invalidTarget }
            head.form = .asterisk
            head.path = path
        }
    }

    /// Content of unknown length is represented as `chunked`: the chunks are DATA frames.
    @inline(__always)
    private mutating func takeFraming(_ meaning: Meaning, endsStream: Bool) throws(RequestRejection) {
        if let length = meaning.contentLength {
            guard !endsStream || length == 0 else { throw .contentLengthMismatch }
            head.framing = .length(length)
        } else {
            head.framing = endsStream ? .none : .chunked
        }
        head.expectsContinue = meaning.expectsContinue && !endsStream
    }
}

extension RequestAssembly {
    /// Whether the fields are valid as trailers of a request (RFC 9113 §8.1, RFC 9110 §6.5.1).
    func checkTrailers() throws(RequestRejection) {
        if fields.excess != nil { throw .trailersTooLarge }
        let text = fields.text.bytes
        for index in 0..<fields.count {
            let field = fields[index]
            try Self.refuseFaults(of: field)
            if field.meaning.isPseudo { throw .misplacedPseudoField }
            if field.meaning == .connectionSpecific { throw .connectionField }
            let name = field.name.range
            if ChunkedDecoder.isForbiddenInTrailers(text, from: name.lowerBound, to: name.upperBound) {
                throw .invalidTrailer
            }
        }
    }
}
