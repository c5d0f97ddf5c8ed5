import HTTP
import Memory
import Transport

/// Answers for the admin listener: what the gateway knows about itself.
final class AdminAction: Action, RequestHandler {
    private let page: AdminPage
    private let monitor: Monitor
    private let stream: StatusStream

    private static let alive = AdminAction.json(200, Array("{\"live\":true}\n".utf8))
    private static let readOnly = AdminAction.message(
        405, "only GET and HEAD are answered here", [(name: "Allow", value: "GET, HEAD")])
    private static let busy = AdminAction.message(503, "too much is asked at once", [(name: "Retry-After", value: "1")])

    /// Documents of thousands of certificates take milliseconds, which workers have not.
    private static let threads = SideThreads("admin", width: 2, limit: 32)
    private static let limit = Delay.seconds(5)

    /// Waits until no document is being made: what one describes is kept alive meanwhile.
    static func wait() { threads.wait() }

    init(_ page: AdminPage, _ monitor: Monitor) {
        self.page = page
        self.monitor = monitor
        stream = StatusStream(monitor)
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        guard exchange.head.method == .get || exchange.head.method == .head else {
            exchange.respond(Self.readOnly)
            return .answered
        }
        // Answered by the event loop itself: a process whose loops turn is alive, whatever else it waits for.
        switch page {
        case .live: exchange.respond(Self.alive)
        case .page: exchange.respond(StatusPage.response)
        case .events: return .handler(stream)
        case .ready, .status, .metrics: return .handler(self)
        }
        return .answered
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        handlers.contains { $0 === self || $0 === stream }
    }

    func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        let accept = exchange.onlyValue(named: "accept").map { exchange.text(of: $0) } ?? ""
        let document = try await exchange.run(on: Self.threads, within: Self.limit) { [page, monitor] in
            Self.document(page, of: monitor, Exposition.Format(accept: accept))
        }
        exchange.respond(document ?? Self.busy)
    }

    /// - Parameter format: the one that the client prefers for metrics.
    private static func document(
        _ page: AdminPage, of monitor: Monitor, _ format: Exposition.Format
    ) -> FixedResponse {
        switch page {
        case .live, .page, .events: preconditionFailure("answered by the event loop itself")
        case .ready:
            let readiness = monitor.readiness
            return json(readiness.ready ? 200 : 503, encodeLine(readiness))
        case .status: return json(200, encodeLine(monitor.status))
        case .metrics:
            return FixedResponse(
                status: 200,
                fields: [
                    (name: "Content-Type", value: format.contentType), (name: "Vary", value: "Accept"),
                    (name: "Cache-Control", value: "no-store"),
                ],
                body: Array(monitor.metrics(in: format).utf8))
        }
    }

    private static func json(_ status: Int, _ body: [UInt8]) -> FixedResponse {
        FixedResponse(
            status: status,
            fields: [(name: "Content-Type", value: "application/json"), (name: "Cache-Control", value: "no-store")],
            body: body)
    }

    private static func message(_ status: Int, _ text: String, _ fields: [(name: String, value: String)])
        -> FixedResponse
    {
        FixedResponse(
            status: status, fields: [(name: "Content-Type", value: "text/plain; charset=utf-8")] + fields,
            body: Array("\(status) \(StatusCode.reason(status)): \(text)\n".utf8))
    }
}
