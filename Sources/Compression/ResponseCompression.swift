import HTTP
import Memory

/// Decides which responses of a route are compressed, and how; one per route and worker.
package final class ResponseCompression {
    private let settings: CompressionSettings
    private let pool: CompressionPool

    package init(_ settings: CompressionSettings, pool: CompressionPool) {
        self.settings = settings
        self.pool = pool
    }

    /// Writes the field lines of a head, and returns the coder of its body, nil for none.
    package func begin(
        _ head: ResponseDraft, for exchange: Exchange, to response: ResponseSink
    ) -> (any BodyCoder)? {
        let traits = ResponseTraits(head.fields, settings.types)
        guard isCandidate(head.status, head.length, traits), isWholeCandidate(head.whole) else {
            response.appendFields(head.fields)
            return nil
        }
        defer { if !traits.variesByCoding { response.appendFields("Vary: Accept-Encoding\r\n") } }
        guard head.status != 206, let coding = exchange.acceptEncoding.best(of: settings.codings) else {
            response.appendFields(head.fields)
            return nil
        }
        if head.status == 304 {
            if head.whole == nil, Self.hasStrongTag(head, exchange) {
                response.appendFields(head.fields)
            } else {
                CodedFields.rewrite(head.fields) { response.appendFields($0) }
            }
            return nil
        }
        var length: UInt64?
        if case .known(let count) = head.length { length = count }
        let coder = pool.takeCoder()
        coder.begin(
            CodingRequest(
                coding: coding, level: settings.level, minimumSize: settings.minimumSize, length: length,
                isHead: head.isHead))
        var fields = FieldLines(head.fields)
        while let field = fields.next() {
            if CodedFields.concern(field) {
                coder.deferField(field.line)
            } else {
                response.appendFields(field.line)
            }
        }
        return coder
    }

    /// A fixed response for a client that prefers `coding`, newly built; nil for one that is never coded.
    package func variant(
        status: Int, fieldLines: [UInt8], body: ByteView, coding: ContentCoding?
    ) -> FixedResponse? {
        fieldLines.withBytes { lines in
            let traits = ResponseTraits(lines, settings.types)
            guard isCandidate(status, .known(UInt64(body.count)), traits) else { return nil }
            let vary = traits.variesByCoding ? "" : "Vary: Accept-Encoding\r\n"
            guard status != 304, status != 206, let coding,
                let coded = pool.codeWhole(body, coding, level: settings.level)
            else {
                return FixedResponse(status: status, fieldLines: fieldLines + vary.utf8, body: Array(body))
            }
            var codedLines: [UInt8] = []
            CodedFields.rewrite(lines) { codedLines.append(contentsOf: $0) }
            codedLines += "\(vary)Content-Encoding: \(coding.token)\r\n".utf8
            return FixedResponse(status: status, fieldLines: codedLines, body: Array(coded), coding: coding.token)
        }
    }

    /// Whether the content that a 304 refers to could be coded.
    private func isWholeCandidate(_ whole: WholeContent?) -> Bool {
        guard let whole else { return true }
        return isCandidate(200, .known(whole.length), ResponseTraits(whole.fields, settings.types))
    }

    /// Whether the client has the content with exactly the tag of this response: uncoded.
    private static func hasStrongTag(_ head: ResponseDraft, _ exchange: Exchange) -> Bool {
        guard let asked = exchange.value(named: "if-none-match") else { return false }
        let list = exchange.bytes(of: asked)
        var fields = FieldLines(head.fields)
        while let field = fields.next() {
            guard field.isNamed("etag"), field.value.first == UInt8(ascii: "\"") else { continue }
            return contains(field.value, in: list)
        }
        return false
    }

    /// Whether the list contains the strong tag; there are no quotes between its quotes (RFC 9110 §8.8.3).
    private static func contains(_ tag: ByteView, in list: ByteView) -> Bool {
        guard list.count >= tag.count else { return false }
        for start in 0...(list.count - tag.count) {
            let isWeak = start > 0 && list[start - 1] == UInt8(ascii: "/")
            if !isWeak, list[start..<start + tag.count].elementsEqual(tag) { return true }
        }
        return false
    }

    /// The codings that clients may prefer.
    package var codings: [ContentCoding] { settings.codings }

    /// Whether the response, or the whole that it is a part of, could be coded if the client accepted it.
    private func isCandidate(_ status: Int, _ length: BodyLength, _ traits: ResponseTraits) -> Bool {
        switch status {
        // The type of its content is not in the response; that it may vary has to be.
        case 304: return !traits.isFixed
        // It is never coded itself, but varies as the whole does (RFC 9110 §15.3.7).
        case 206: return (traits.hasListedType || traits.hasParts) && !traits.isFixed
        case ..<200, 204, 205: return false
        default: break
        }
        guard traits.hasListedType, !traits.isFixed, !traits.isRange else { return false }
        switch length {
        case .known(let count): return count >= UInt64(settings.minimumSize)
        case .unknown: return true
        case .framedByHandler, .undeclared: return false
        }
    }
}

/// The properties of a response's fields that matter for coding.
private struct ResponseTraits {
    var hasListedType = false
    /// Several ranges, each with its own type.
    var hasParts = false
    /// A range of the content, or the response about a range that does not exist.
    var isRange = false
    /// The content may not be changed: it is coded already, or must be sent unchanged.
    var isFixed = false
    /// Vary names Accept-Encoding, or everything.
    var variesByCoding = false

    private static let parts = MediaTypePatterns(["multipart/byteranges"])

    init(_ lines: ByteView, _ types: MediaTypePatterns) {
        var fields = FieldLines(lines)
        while let field = fields.next() {
            switch field.name.count {
            case 4 where field.isNamed("vary"):
                if field.lists("accept-encoding") || field.lists("*") { variesByCoding = true }
            case 6 where field.isNamed("digest"), 11 where field.isNamed("content-md5"),
                11 where field.isNamed("repr-digest"), 14 where field.isNamed("content-digest"):
                isFixed = true
            case 12 where field.isNamed("content-type"):
                hasListedType = types.contains(field.value)
                hasParts = !hasListedType && Self.parts.contains(field.value)
            case 13 where field.isNamed("content-range"): isRange = true
            case 13 where field.isNamed("cache-control"):
                if field.lists("no-transform") { isFixed = true }
            case 16 where field.isNamed("content-encoding"):
                if !field.lists("identity") { isFixed = true }
            default: break
            }
        }
    }
}
