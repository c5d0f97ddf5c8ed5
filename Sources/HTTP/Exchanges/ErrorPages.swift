import Memory

/// The content that a site configures for error responses of the gateway, by status, in place of the gateway's own
/// text.
@safe
package final class ErrorPages: Sendable {
    package enum Page: Sendable {
        case content(Content)
        /// A path in origin form whose route answers. A path without a query is requested with a query that contains
        /// the status and the URL, `?404;https://host/path`, as in IIS.
        case route([UInt8])
    }

    /// The content of a response with a certain status.
    package struct Content: Sendable {
        /// The field line of Content-Type, terminated by CRLF.
        package let typeField: [UInt8]
        package let body: [UInt8]

        package init(type: String, body: [UInt8]) {
            typeField = Array("Content-Type: \(type)\r\n".utf8)
            self.body = body
        }

        /// The gateway's own text.
        init(_ status: Int, _ reason: StaticString? = nil) {
            let reason = reason.map { ": \($0)" } ?? ""
            self.init(
                type: "text/plain; charset=utf-8", body: Array("\(status) \(StatusCode.reason(status))\(reason)\n".utf8)
            )
        }
    }

    /// At most one for each status and substatus, so a linear search is short.
    private let pages: [(status: Int, substatus: Int?, page: Page)]

    /// - Parameter pages: a page without a substatus applies to all substatuses that have no page of their own.
    package init(_ pages: [(status: Int, substatus: Int?, page: Page)]) {
        self.pages = pages
    }

    package func page(for status: Int, substatus: Int = 0) -> Page? {
        let exact = substatus == 0 ? nil : pages.first { $0.status == status && $0.substatus == substatus }
        return (exact ?? pages.first { $0.status == status && $0.substatus == nil })?.page
    }
}

/// The properties of an error that stay in force while a route of the site provides the content.
package struct AnsweredError: Sendable {
    /// The status of the response, regardless of the route's status.
    package let status: Int
    /// Field lines of the response in addition to the route's, each terminated by CRLF.
    let fields: [UInt8]
    /// The content used if the route itself fails.
    let words: ErrorPages.Content
    let keepAlive: Bool

    init(status: Int, fields: [UInt8], words: ErrorPages.Content, keepAlive: Bool) {
        self.status = status
        self.fields = fields
        self.words = words
        self.keepAlive = keepAlive
    }

    /// An error for which an extension requests the site's content.
    package init(status: Int) {
        self.init(status: status, fields: [], words: ErrorPages.Content(status), keepAlive: true)
    }
}

extension Exchange {
    /// Sets the error pages of this request.
    @inline(__always)
    package func setErrorPages(_ pages: ErrorPages) {
        storage.value.errorPages = pages
    }

    /// Sends the gateway's own response to an error; the site's page for the status replaces its content.
    ///
    /// A page that a route answers is requested after the handler has returned; no response begins before that.
    package func fail(_ response: FixedResponse, keepAlive: Bool = true) {
        guard storage.value.errorPages != nil else { return respond(response, keepAlive: keepAlive) }
        guard let page = errorPage(for: response.status) else {
            if answeredError == nil { return respond(response, keepAlive: keepAlive) }
            return respond(.words(of: response), status: response.status, [], keepAlive)
        }
        respond(
            page, status: response.status, Array(response.contentFreeFields), keepAlive, words: .words(of: response))
    }

    /// Like `fail(_:keepAlive:)` for a response that is not prepared in advance.
    ///
    /// - Parameters:
    ///   - fields: validated field lines, each terminated by CRLF, that do not describe the content.
    ///   - reason: a description of the failure for the reader of the response.
    package func fail(
        status: Int, fields: ByteView? = nil, reason: StaticString, keepAlive: Bool = true
    ) {
        let words = ErrorPages.Content(status, reason)
        let fields = fields.map { Array($0) } ?? []
        respond(errorPage(for: status) ?? .content(words), status: status, fields, keepAlive, words: words)
    }

    /// Answers a rejected request with content that is available immediately: no route is called for it.
    func refuse(_ rejection: RequestRejection) {
        setLogReason(rejection.reason)
        var content = ErrorPages.Content(rejection.status, rejection.reason)
        if case .content(let page)? = errorPage(for: rejection.status) { content = page }
        respond(content, status: rejection.status, [], false)
    }

    /// The error for which a route is providing the content at present.
    private var answeredError: AnsweredError? { storage.value.substitute?.error }

    private func errorPage(for status: Int) -> ErrorPages.Page? {
        if storage.value.substitute?.usesErrorPages == false { return nil }
        return storage.value.errorPages?.page(for: status, substatus: logSubstatus)
    }

    private func respond(
        _ page: ErrorPages.Page, status: Int, _ fields: [UInt8], _ keepAlive: Bool, words: ErrorPages.Content
    ) {
        switch page {
        case _ where answeredError != nil: respond(words, status: status, fields, keepAlive)
        case .content(let content): respond(content, status: status, fields, keepAlive)
        case .route(let path):
            let error = AnsweredError(status: status, fields: fields, words: words, keepAlive: keepAlive)
            storage.value.errorRequest = request(for: path, error)
        }
    }

    /// The request to the route at `path` that makes it answer the client with the error.
    package func request(for path: [UInt8], _ error: AnsweredError) -> InternalRequest {
        let method: StaticString = clientHead.method == .head ? "HEAD" : "GET"
        var target = path
        if !path.contains(UInt8(ascii: "?")) {
            let scheme = connection.stream.isSecure ? "https" : "http"
            target += Array("?\(error.status);\(scheme)://\(text(of: head.authority))".utf8)
            target += Array(bytes(of: head.form == .origin ? head.target : head.path))
        }
        var request = InternalRequest(method: Array("\(method)".utf8), target: target)
        request.fields = .inheritedUnconditional
        request.error = error
        return request
    }

    /// Responds with fixed content; if a route that provides error content fails itself, with the content of the
    /// original error.
    func respond(_ content: ErrorPages.Content, status: Int, _ fields: [UInt8], _ keepAlive: Bool) {
        let content = answeredError?.words ?? content
        let lines = content.typeField + (answeredError == nil ? fields : [])
        lines.withBytes {
            beginResponse(
                status: status, fields: $0, length: .known(UInt64(content.body.count)), keepAlive: keepAlive)
        }
        content.body.withBytes { _ = write($0) }
        finish()
    }
}

extension ErrorPages.Content {
    fileprivate static func words(of response: FixedResponse) -> Self {
        Self(type: "text/plain; charset=utf-8", body: Array(response.body))
    }
}

extension ClientConnection {
    /// Has the site's route answer an error, if the handler has requested this.
    func answerError(_ exchange: Exchange) async throws(ExchangeFailure) {
        let storage = exchange.storage
        guard let request = storage.value.errorRequest else { return }
        storage.value.errorRequest = nil
        if case .answered = try await answer(exchange, as: request, for: nil) { return }
        guard let error = request.error, !exchange.isResponseBegun else { return }
        exchange.respond(error.words, status: error.status, error.fields, error.keepAlive)
    }
}
