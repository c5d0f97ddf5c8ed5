import HTTP

/// What a route does with a request.
class Action {
    /// Answers at once, or names the handler that will.
    func answer(_ exchange: Exchange) -> Disposition {
        preconditionFailure("an action answers its own requests")
    }

    /// Whether one of these handlers answers for this action.
    func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool { false }
}

/// `respond`: the same response for every request.
final class RespondAction: Action {
    private let response: FixedResponse

    init(_ response: FixedResponse) {
        self.response = response
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        exchange.respond(response)
        return .answered
    }
}

/// `extension`, `proxy`: what a handler answers.
final class HandlerAction: Action {
    private let handler: any RequestHandler

    init(_ handler: any RequestHandler) {
        self.handler = handler
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        .handler(handler)
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        handlers.contains { $0 === handler }
    }
}

/// `redirect`: another URL for the client to ask (RFC 9110 §15.4).
final class RedirectAction: Action {
    private let status: Int
    private let target: RedirectTemplate

    init(status: Int, target: RedirectTemplate) {
        self.status = status
        self.target = target
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        let head = exchange.head
        // Every byte inserted comes from a validated request target or Host, so none can end the field.
        let location = target.expand(
            host: exchange.text(of: head.authority), path: exchange.text(of: head.path),
            query: head.hasQuery ? exchange.text(of: head.query) : nil)
        unsafe Array("Location: \(location)\r\n".utf8).withUnsafeBytes {
            unsafe exchange.beginResponse(status: status, fields: $0, length: .known(0))
        }
        exchange.finish()
        return .answered
    }
}
