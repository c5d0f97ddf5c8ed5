import Memory

/// A request that a handler issues in place of the client's, to be answered as if the client had sent it.
package struct InternalRequest: Sendable {
    package enum Fields: Sendable {
        /// The fields of the request it replaces; without those that describe its body, if that is replaced.
        case inherited
        /// The fields of the request it replaces, also without conditions and ranges.
        case inheritedUnconditional
        /// The fields of the request it replaces, without those with certain lower-case names, and with additional
        /// lines, each terminated by CRLF. A field counts as having one of these names if it maps to the same CGI
        /// variable; the names are also removed from the client's Connection field.
        case changed(removed: [[UInt8]], added: [UInt8])
        /// Lines terminated by CRLF or LF. Host is inherited if there is none; fields that state a length are ignored.
        case replaced([UInt8])
    }

    package enum Entity: Sendable {
        case none
        case bytes([UInt8])
        /// These bytes, followed by the unread part of the client's body.
        case unread(behind: [UInt8])
    }

    /// Nil for the method of the request it replaces.
    package var method: [UInt8]?
    /// In origin form (RFC 9112 §3.2.1); nil for the target of the request it replaces.
    package var target: [UInt8]?
    package var fields = Fields.inherited
    package var entity = Entity.none
    /// Whether the route of the calling handler is skipped, together with those skipped before it.
    package var passesAsker = false
    /// Whether the site's error pages are used for errors of the response, as for the client's own request.
    package var usesErrorPages = true
    /// The error for which the route provides the content; its status is that of the response.
    package var error: AnsweredError?

    /// The maximum nesting depth of internal requests; deeper nesting is considered a loop.
    package static let maximumDepth = 8

    package init(method: [UInt8]? = nil, target: [UInt8]? = nil) {
        self.method = method
        self.target = target
    }
}

/// How an internal request ended.
package enum InternalOutcome: Equatable, Sendable {
    /// The client has received, or is being sent, a response with this status.
    case answered(status: Int)
    /// The request is malformed; nothing was sent.
    case refused(RequestRejection)
    /// Internal requests are nested too deeply; nothing was sent.
    case tooDeep
}

/// The head and body that replace a request's own while an internal request is answered.
@safe
final class Substitute {
    /// The parser of the replaced head while this head is current, and otherwise the parser of this head.
    var parser: RequestParser
    private let head: OwnedBytes
    var normalizedPath: [UInt8]?
    private let entityBytes: OwnedBytes
    /// Whether the client's own body follows the entity.
    let continuesWithClient: Bool
    private var isEntityTaken = false
    /// The head that the client itself sent, which determines the framing of the response.
    let clientHead: RequestHead
    /// The substitute that this one replaces.
    let outer: Substitute?
    let depth: Int
    /// The handlers whose routes are skipped.
    let passed: [any RequestHandler]
    let usesErrorPages: Bool
    let error: AnsweredError?
    /// The names of fields that the client may not set, not even in trailers; as folded by `VariableName`.
    let replacedNames: [[UInt8]]

    init(
        _ bytes: [UInt8], parser: consuming RequestParser, entity: [UInt8], continuesWithClient: Bool,
        clientHead: RequestHead, outer: Substitute?, passed: [any RequestHandler], request: InternalRequest
    ) {
        head = OwnedBytes(bytes)
        self.parser = parser
        entityBytes = OwnedBytes(entity)
        self.continuesWithClient = continuesWithClient
        self.clientHead = clientHead
        self.outer = outer
        depth = (outer?.depth ?? 0) + 1
        self.passed = passed
        usesErrorPages = request.usesErrorPages && outer?.usesErrorPages != false
        error = outer?.error ?? request.error
        if case .changed(let removed, _) = request.fields {
            replacedNames = removed.map(VariableName.folded)
        } else {
            replacedNames = []
        }
    }

    /// The text of the head; valid as long as the substitute exists, like the entity.
    var bytes: ByteView { head.view }

    /// The number of entity bytes that have not been read.
    var remainingEntity: Int { isEntityTaken ? 0 : entityBytes.count }

    /// The entity; nil from the second call on.
    func takeEntity() -> ByteView? {
        guard !isEntityTaken, !entityBytes.isEmpty else { return nil }
        isEntityTaken = true
        return entityBytes.view
    }
}

extension Exchange {
    /// Has another request answered in place of this one, by `route`.
    package func answer(
        as request: InternalRequest, by route: (Exchange) -> Disposition
    ) async throws(ExchangeFailure) -> InternalOutcome {
        try await connection.answer(self, as: request) { _ in route(self) }
    }
}

extension ClientConnection {
    /// Has `request` answered in place of the exchange's own, by the route that matches it.
    ///
    /// - Parameter asker: the calling handler; nil for the connection itself.
    func answer(
        _ exchange: Exchange, as request: InternalRequest, for asker: (any RequestHandler)?
    ) async throws(ExchangeFailure) -> InternalOutcome {
        try await answer(exchange, as: request, passing: request.passesAsker ? asker : nil) { passed in
            // The answering route applies its own filter to responses.
            exchange.storage.value.filter = nil
            return self.service.router.answer(exchange, passing: passed)
        }
    }

    /// Like `answer(_:as:for:)`, by the disposition that `route` returns.
    func answer(
        _ exchange: Exchange, as request: InternalRequest, passing asker: (any RequestHandler)? = nil,
        by route: ([any RequestHandler]) -> Disposition
    ) async throws(ExchangeFailure) -> InternalOutcome {
        let storage = exchange.storage
        let substitute: Substitute
        switch makeSubstitute(request, storage, asker) {
        case .failure(let outcome): return outcome.outcome
        case .success(let made): substitute = made
        }
        storage.value.exchangeHead(with: substitute)
        storage.value.substitute = substitute
        defer {
            storage.value.substitute = substitute.outer
            storage.value.exchangeHead(with: substitute)
        }
        switch route(substitute.passed) {
        case .answered: try await answerError(exchange)
        case .refused(let rejection): return .refused(rejection)
        case .handler(let handler):
            try await handler.handle(exchange)
            try await answerError(exchange)
            if !exchange.isResponseFinished { exchange.abandonResponse() }
        }
        return .answered(status: exchange.status)
    }

    private struct Refusal: Error {
        let outcome: InternalOutcome
    }

    private func makeSubstitute(
        _ request: InternalRequest, _ storage: Stored<ExchangeStorage>, _ asker: (any RequestHandler)?
    ) -> Result<Substitute, Refusal> {
        let outer = storage.value.substitute
        guard (outer?.depth ?? 0) < InternalRequest.maximumDepth else { return .failure(Refusal(outcome: .tooDeep)) }
        let exchange = Exchange(storage)
        // The identifiers may come from the head of the client's request, which is about to be replaced.
        _ = exchange.requestID
        _ = exchange.traceContext
        let entity: [UInt8]
        var continues = false
        switch request.entity {
        case .none: entity = []
        case .bytes(let bytes): entity = bytes
        case .unread(let bytes):
            entity = bytes
            continues = !exchange.hasBodyEnded
        }
        let unread = continues ? exchange.remainingBody : 0
        let text = InternalHead(exchange, request, length: unread.map { $0 + UInt64(entity.count) }).text
        var parser = RequestParser(limits: storage.value.limits)
        var path: [UInt8]?
        do throws(RequestRejection) {
            guard try parser.parse(text.span.rawBytes) else { throw .invalidRequestLine }
            path = try normalizedPath(of: parser.head, in: text)
            if exchange.head.version == .http2 { parser.setVersion(.http2) }
        } catch {
            return .failure(Refusal(outcome: .refused(error)))
        }
        let passed = asker.map { (outer?.passed ?? []) + [$0] } ?? []
        let substitute = Substitute(
            text, parser: parser, entity: entity, continuesWithClient: continues,
            clientHead: exchange.clientHead, outer: outer, passed: passed, request: request)
        substitute.normalizedPath = path
        return .success(substitute)
    }

    private func normalizedPath(of head: RequestHead, in text: [UInt8]) throws(RequestRejection) -> [UInt8]? {
        guard head.form == .origin || head.form == .absolute else { throw .invalidTarget }
        let path = text.span.extracting(head.path.range).rawBytes
        guard !PathNormalizer.isNormal(path) else { return nil }
        let buffer = OwnedBytes(count: path.byteCount + 1)
        return Array(buffer.view[..<(try PathNormalizer.normalize(path, into: buffer.room))])
    }
}

/// The head of an internal request as a client would have sent it.
private struct InternalHead {
    private(set) var text: [UInt8] = []

    /// - Parameter length: the length of the body; nil if it is unknown until the end.
    init(_ exchange: Exchange, _ request: InternalRequest, length: UInt64?) {
        let head = exchange.head
        append(request.method, or: head.methodToken, of: exchange)
        text.append(ASCII.space)
        append(request.target, or: head.target, of: exchange)
        text += head.version == .http10 ? Array(" HTTP/1.0\r\n".utf8) : Array(" HTTP/1.1\r\n".utf8)
        switch request.fields {
        case .inherited: appendFields(of: exchange) { _ in false }
        case .inheritedUnconditional:
            appendFields(of: exchange) { Self.conditions.contains(String(decoding: $0, as: UTF8.self).lowercased()) }
        case .changed(let removed, let added):
            let names = Set(removed.map(VariableName.folded))
            appendFields(of: exchange) { names.contains(VariableName.folded($0)) }
            text += added
        case .replaced(let lines): appendLines(lines, of: exchange)
        }
        appendFraming(length)
        text += [ASCII.carriageReturn, ASCII.lineFeed]
    }

    private mutating func append(_ replacement: [UInt8]?, or slice: Slice, of exchange: Exchange) {
        if let replacement {
            text += replacement
        } else {
            text += Array(exchange.bytes(of: slice))
        }
    }

    private mutating func appendFields(of exchange: Exchange, without isLeftOut: ([UInt8]) -> Bool) {
        for index in 0..<exchange.head.fieldCount {
            let field = exchange.fields[index]
            let name = Array(exchange.bytes(of: field.name))
            var value = Array(exchange.bytes(of: field.value))
            if Self.framing.contains(String(decoding: name, as: UTF8.self).lowercased()) || isLeftOut(name) { continue }
            if field.known == .connection {
                // A handler that forwards the request removes the fields listed in Connection; the client must not be
                // able to remove these.
                guard let options = Self.options(value, without: isLeftOut) else { continue }
                value = options
            }
            text += name
            text += [ASCII.colon, ASCII.space]
            text += value
            text += [ASCII.carriageReturn, ASCII.lineFeed]
        }
    }

    /// A list of connection options without some of them; nil if none is left.
    private static func options(_ list: [UInt8], without isLeftOut: ([UInt8]) -> Bool) -> [UInt8]? {
        var kept: [[UInt8]] = []
        var isChanged = false
        list.span.rawBytes.forEachElement(from: 0, to: list.count) { start, end in
            let option = Array(list[start..<end])
            if isLeftOut(option) { isChanged = true } else { kept.append(option) }
        }
        guard isChanged else { return list }
        return kept.isEmpty ? nil : Array(kept.joined(separator: [ASCII.comma, ASCII.space]))
    }

    private mutating func appendLines(_ lines: [UInt8], of exchange: Exchange) {
        var hasHost = false
        for line in lines.split(separator: ASCII.lineFeed) {
            let line = line.last == ASCII.carriageReturn ? line.dropLast() : line
            if line.isEmpty { break }
            let name = String(decoding: line.prefix { $0 != ASCII.colon }, as: UTF8.self).lowercased()
            if Self.framing.contains(name) || name == "connection" { continue }
            if name == "host" { hasHost = true }
            text += line
            text += [ASCII.carriageReturn, ASCII.lineFeed]
        }
        guard !hasHost, !exchange.head.authority.isEmpty else { return }
        text += Array("Host: ".utf8)
        text += Array(exchange.bytes(of: exchange.head.authority))
        text += [ASCII.carriageReturn, ASCII.lineFeed]
    }

    private mutating func appendFraming(_ length: UInt64?) {
        guard let length else { return text += Array("Transfer-Encoding: chunked\r\n".utf8) }
        if length > 0 { text += Array("Content-Length: \(length)\r\n".utf8) }
    }

    private static let framing: Set<String> = ["content-length", "transfer-encoding", "expect", "trailer"]
    private static let conditions: Set<String> = [
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range",
    ]
}
