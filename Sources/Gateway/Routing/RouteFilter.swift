import Compression
import HTTP
import Memory

/// The response rules of a site or a route, on one worker: changes fields, then compresses the body.
final class RouteFilter: ResponseFilter {
    private let headers: HeaderRules?
    private let compression: ResponseCompression?
    private var variants: [Variant] = []
    private var edited: [UInt8] = []

    let replacesServer: Bool

    /// A compressed fixed response, for clients that prefer `coding`.
    private struct Variant {
        let original: FixedResponse
        let coding: ContentCoding?
        let response: FixedResponse
    }

    /// There are few fixed responses, those of the routes and those of the gateway; all of them fit.
    private static let variantLimit = 64

    /// Nil when the rules change nothing.
    init?(_ rules: ResponseRules, pool: CompressionPool) {
        headers = HeaderRules(rules)
        if case .on(let options)? = rules.compression {
            compression = ResponseCompression(CompressionSettings(options), pool: pool)
        } else {
            compression = nil
        }
        replacesServer = headers?.replacesServer ?? false
        if headers == nil, compression == nil { return nil }
    }

    func variant(of response: FixedResponse, for exchange: Exchange) -> FixedResponse {
        let coding = compression.flatMap { exchange.acceptEncoding.best(of: $0.codings) }
        for index in variants.indices where variants[index].original === response {
            if variants[index].coding == coding { return variants[index].response }
        }
        let made = makeVariant(of: response, coding)
        if variants.count == Self.variantLimit { variants.removeAll() }
        variants.append(Variant(original: response, coding: coding, response: made))
        return made
    }

    private func makeVariant(of response: FixedResponse, _ coding: ContentCoding?) -> FixedResponse {
        var lines = Array(response.fieldLines)
        if let headers { headers.apply(to: response.fieldLines, into: &lines) }
        if let compression {
            let variant = compression.variant(
                status: response.status, fieldLines: lines, body: response.body, coding: coding)
            if let variant { return variant }
        }
        return FixedResponse(status: response.status, fieldLines: lines, body: Array(response.body))
    }

    func appendVariableFields(for exchange: Exchange, to response: ResponseSink) {
        headers?.appendVariableFields(for: exchange, to: response)
    }

    func begin(_ head: ResponseDraft, for exchange: Exchange, to response: ResponseSink) -> (any BodyCoder)? {
        guard let headers else { return compress(head, for: exchange, to: response) }
        headers.apply(to: head.fields, into: &edited)
        headers.appendVariableFields(for: exchange, to: response)
        return edited.withBytes { fields in
            compress(head.with(fields: fields), for: exchange, to: response)
        }
    }

    func withholds(_ name: ByteView) -> Bool {
        headers.map { $0.removes(name) } ?? false
    }

    private func compress(
        _ head: ResponseDraft, for exchange: Exchange, to response: ResponseSink
    ) -> (any BodyCoder)? {
        if let compression { return compression.begin(head, for: exchange, to: response) }
        response.appendFields(head.fields)
        return nil
    }
}

extension CompressionSettings {
    init(_ options: CompressionOptions) {
        self.init()
        level = options.level ?? level
        minimumSize = options.minimumSize ?? minimumSize
        types = options.types.map(MediaTypePatterns.init) ?? types
    }
}
