import HTTP

/// Answers plain HTTP on a listener with TLS: an error page with a link to the same URL with https.
///
/// The request is parsed as strictly as any other, and the connection closes after the response.
final class PlainHTTPRefusal: RequestRouter {
    /// The listener's own router, which is notified of the request.
    private let router: SiteRouter

    init(_ router: SiteRouter) {
        self.router = router
    }

    func answer(_ exchange: Exchange) -> Disposition {
        exchange.respond(Self.page(for: exchange), keepAlive: false)
        return .answered
    }

    func answer(_ exchange: Exchange, passing passed: [any RequestHandler]) -> Disposition { answer(exchange) }

    var observesExchanges: Bool { router.observesExchanges }

    func finished(_ exchange: Exchange) {
        router.finished(exchange)
    }

    func switched(_ exchange: Exchange) -> (any SuccessionObserver)? { nil }

    func prepareRefusal(of exchange: Exchange) {}

    func rejected(_ rejection: RequestRejection, on connection: ClientConnection, as id: RequestID?) {
        router.rejected(rejection, on: connection, as: id)
    }

    func ended(_ fault: HTTP2Fault, on connection: ClientConnection) {
        router.ended(fault, on: connection)
    }

    func cut(_ reason: StaticString, on connection: ClientConnection, as id: RequestID?) {
        router.cut(reason, on: connection, as: id)
    }

    private static func page(for exchange: Exchange) -> FixedResponse {
        let url = escaped(url(of: exchange))
        let body = """
            <!DOCTYPE html>
            <title>400 Bad Request</title>
            <h1>400 Bad Request</h1>
            <p>This port speaks HTTPS, and the request came as plain HTTP. Use <a href="\(url)">\(url)</a>.</p>

            """
        return FixedResponse(
            status: 400, fields: [("Content-Type", "text/html; charset=utf-8")], body: Array(body.utf8))
    }

    /// The URL that the client requested: with the host it named, or else the address it connected to.
    private static func url(of exchange: Exchange) -> String {
        let head = exchange.head
        let authority =
            head.authority.isEmpty
            ? exchange.endpoint.localAddress.description
            : String(decoding: exchange.bytes(of: head.authority), as: UTF8.self)
        // Only these forms have a path; it and the query are visible ASCII.
        guard head.form == .origin || head.form == .absolute else { return "https://\(authority)/" }
        let path = String(decoding: exchange.bytes(of: head.path), as: UTF8.self)
        let query = head.hasQuery ? "?" + String(decoding: exchange.bytes(of: head.query), as: UTF8.self) : ""
        return "https://\(authority)\(path)\(query)"
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
