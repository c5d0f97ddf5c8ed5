/// What a site says, in place of the gateway's own words, when the gateway answers with an error; by status.
@safe
package final class ErrorPages: Sendable {
    package enum Page: Sendable {
        case content(Content)
        /// In origin form: the route that this path leads to answers. Without a query it is asked for with one that
        /// tells the status and the URL, `?404;https://host/path`, as IIS does.
        case route([UInt8])
    }

    /// The content of an answer with a certain status.
    package struct Content: Sendable {
        /// Content-Type, as a field line ended by CRLF.
        package let typeField: [UInt8]
        package let body: [UInt8]

        package init(type: String, body: [UInt8]) {
            typeField = Array("Content-Type: \(type)\r\n".utf8)
            self.body = body
        }

        /// The gateway's own words.
        init(_ status: Int, _ reason: StaticString? = nil) {
            let reason = reason.map { ": \($0)" } ?? ""
            self.init(
                type: "text/plain; charset=utf-8", body: Array("\(status) \(StatusCode.reason(status))\(reason)\n".utf8)
            )
        }
    }

    /// At most one for each status and sub-status, so a search from the front is short.
    private let pages: [(status: Int, substatus: Int?, page: Page)]

    /// - Parameter pages: those without a sub-status stand for all of them that have no page of their own.
    package init(_ pages: [(status: Int, substatus: Int?, page: Page)]) {
        self.pages = pages
    }

    package func page(for status: Int, substatus: Int = 0) -> Page? {
        let exact = substatus == 0 ? nil : pages.first { $0.status == status && $0.substatus == substatus }
        return (exact ?? pages.first { $0.status == status && $0.substatus == nil })?.page
    }
}

/// What stays of an error when a route of the site finds the words for it.
package struct AnsweredError: Sendable {
    /// Of the response, whatever the route says.
    package let status: Int
    /// Field lines of the response besides the route's, each ended by CRLF.
    let fields: [UInt8]
    /// What is said when the route has an error of its own.
    let words: ErrorPages.Content
    let keepAlive: Bool

    init(status: Int, fields: [UInt8], words: ErrorPages.Content, keepAlive: Bool) {
        self.status = status
        self.fields = fields
        self.words = words
        self.keepAlive = keepAlive
    }

    /// An error that an extension asks the site's words for.
    package init(status: Int) {
        self.init(status: status, fields: [], words: ErrorPages.Content(status), keepAlive: true)
    }
}

extension Exchange {
    /// What answers errors of this request from now on.
    @inline(__always)
    package func setErrorPages(_ pages: ErrorPages) {
        unsafe storage.pointee.errorPages = pages
    }

    /// Gives the gateway's own response to an error; the site's page for the status replaces its content.
    ///
    /// A page that a route answers is asked for once the handler has returned; until then no response has begun.
    package func fail(_ response: FixedResponse, keepAlive: Bool = true) {
        guard unsafe storage.pointee.errorPages != nil else { return respond(response, keepAlive: keepAlive) }
        guard let page = errorPage(for: response.status) else {
            if answeredError == nil { return respond(response, keepAlive: keepAlive) }
            return respond(.words(of: response), status: response.status, [], keepAlive)
        }
        unsafe respond(
            page, status: response.status, Array(response.contentFreeFields), keepAlive, words: .words(of: response))
    }

    /// As `fail(_:keepAlive:)` for what is not known beforehand.
    ///
    /// - Parameters:
    ///   - fields: validated field lines, each ended by CRLF, about anything but the content.
    ///   - reason: what went wrong, for whoever reads the response.
    package func fail(
        status: Int, fields: UnsafeRawBufferPointer? = nil, reason: StaticString, keepAlive: Bool = true
    ) {
        let words = ErrorPages.Content(status, reason)
        let fields = unsafe fields.map { unsafe Array($0) } ?? []
        respond(errorPage(for: status) ?? .content(words), status: status, fields, keepAlive, words: words)
    }

    /// Answers a request that is refused, by words that are at hand: nobody else is asked on its behalf.
    func refuse(_ rejection: RequestRejection) {
        setLogReason(rejection.reason)
        var content = ErrorPages.Content(rejection.status, rejection.reason)
        if case .content(let page)? = errorPage(for: rejection.status) { content = page }
        respond(content, status: rejection.status, [], false)
    }

    /// The error that a route finds the words for at the moment.
    private var answeredError: AnsweredError? { unsafe storage.pointee.substitute?.error }

    private func errorPage(for status: Int) -> ErrorPages.Page? {
        if unsafe storage.pointee.substitute?.usesErrorPages == false { return nil }
        return unsafe storage.pointee.errorPages?.page(for: status, substatus: storage.pointee.logSubstatus)
    }

    private func respond(
        _ page: ErrorPages.Page, status: Int, _ fields: [UInt8], _ keepAlive: Bool, words: ErrorPages.Content
    ) {
        switch page {
        case _ where answeredError != nil: respond(words, status: status, fields, keepAlive)
        case .content(let content): respond(content, status: status, fields, keepAlive)
        case .route(let path):
            let error = AnsweredError(status: status, fields: fields, words: words, keepAlive: keepAlive)
            unsafe storage.pointee.errorRequest = request(for: path, error)
        }
    }

    /// What to ask the route at `path` for, so that it answers the client with the error.
    package func request(for path: [UInt8], _ error: AnsweredError) -> InternalRequest {
        let method: StaticString = clientHead.method == .head ? "HEAD" : "GET"
        var target = path
        if !path.contains(UInt8(ascii: "?")) {
            let scheme = connection.stream.isSecure ? "https" : "http"
            target += Array("?\(error.status);\(scheme)://\(text(of: head.authority))".utf8)
            target += unsafe Array(bytes(of: head.form == .origin ? head.target : head.path))
        }
        var request = InternalRequest(method: Array("\(method)".utf8), target: target)
        request.fields = .inheritedUnconditional
        request.error = error
        return request
    }

    /// Gives a response of fixed content; in place of a route with an error of its own, that which it was to answer.
    func respond(_ content: ErrorPages.Content, status: Int, _ fields: [UInt8], _ keepAlive: Bool) {
        let content = answeredError?.words ?? content
        let lines = content.typeField + (answeredError == nil ? fields : [])
        unsafe lines.withUnsafeBytes {
            unsafe beginResponse(
                status: status, fields: $0, length: .known(UInt64(content.body.count)), keepAlive: keepAlive)
        }
        unsafe content.body.withUnsafeBytes { _ = unsafe write($0) }
        finish()
    }
}

extension ErrorPages.Content {
    fileprivate static func words(of response: FixedResponse) -> Self {
        unsafe Self(type: "text/plain; charset=utf-8", body: Array(response.body))
    }
}

extension ClientConnection {
    /// Has the site's route for an error answer, where the handler left that to it.
    func answerError(_ exchange: Exchange) async throws(ExchangeFailure) {
        let storage = unsafe exchange.storage
        guard let request = unsafe storage.pointee.errorRequest else { return }
        unsafe storage.pointee.errorRequest = nil
        if case .answered = try await answer(exchange, as: request, for: nil) { return }
        guard let error = request.error, !exchange.isResponseBegun else { return }
        exchange.respond(error.words, status: error.status, error.fields, error.keepAlive)
    }
}
