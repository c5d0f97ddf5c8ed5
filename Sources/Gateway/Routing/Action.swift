import HTTP

/// What a route does with a request.
class Action {
    /// The tag of the requests that it answers, for the action of a route.
    final var tag: Int32 = 0

    /// Answers immediately, or returns the handler that will answer.
    func answer(_ exchange: Exchange) -> Disposition {
        preconditionFailure("an action answers its own requests")
    }

    /// Whether one of these handlers answers for this action.
    func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool { false }
}

/// An action of a route that names the access logs for its requests.
final class LoggedAction: Action {
    private let action: Action
    private let logs: UInt32

    init(_ action: Action, logs: UInt32) {
        self.action = action
        self.logs = logs
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        exchange.setLogs(logs)
        return action.answer(exchange)
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        action.isHandled(byAnyOf: handlers)
    }
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

/// `extension`, `proxy`: answered by a handler.
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

/// `redirect`: another URL for the client to request (RFC 9110 §15.4).
final class RedirectAction: Action {
    private let status: Int
    private let target: RedirectTemplate
    /// The site's name, for a client that sends no host.
    private let siteName: String?
    /// The default port of the scheme that the target does not have, which the request may have used.
    private let foreignPort: Substring?
    private let hasPort: Bool

    init(status: Int, target: RedirectTemplate, siteName: String?) {
        self.status = status
        self.target = target
        self.siteName = siteName
        foreignPort = target.scheme.map { $0 == "https" ? "80" : "443" }
        hasPort = target.hasPort
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        let head = exchange.head
        // Every byte inserted comes from a validated request target or Host, so none can end the field.
        let location = target.expand(
            host: host(for: exchange), path: exchange.text(of: head.path),
            query: head.hasQuery ? exchange.text(of: head.query) : nil)
        Array("Location: \(location)\r\n".utf8).withBytes {
            exchange.beginResponse(status: status, fields: $0, length: .known(0))
        }
        exchange.finish()
        return .answered
    }

    /// The host that the client requested, with its port if that makes sense for the target.
    private func host(for exchange: Exchange) -> String {
        let authority = exchange.text(of: exchange.head.authority)
        guard !authority.isEmpty else { return ownHost(for: exchange) }
        // After the bracket of an IPv6 address, or the name.
        guard let colon = authority.lastIndex(of: ":"), authority.last != "]" else { return authority }
        let port = authority[authority.index(after: colon)...]
        let isSecure = exchange.connection.stream.isSecure
        let changesScheme = target.scheme.map { ($0 == "https") != isSecure } ?? false
        let isForeign = changesScheme && port.drop { $0 == "0" } == foreignPort
        return hasPort || port.isEmpty || isForeign ? String(authority[..<colon]) : authority
    }

    /// The host in the target for a client that sends none (HTTP/1.0).
    private func ownHost(for exchange: Exchange) -> String {
        if let siteName { return siteName }
        if let name = exchange.connection.stream.security?.serverName { return name }
        let address = exchange.endpoint.localAddress
        return address.isIPv6 ? "[\(address.host)]" : address.host
    }
}
