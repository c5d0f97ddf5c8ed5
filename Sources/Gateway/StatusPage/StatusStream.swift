import HTTP
import Memory
import Transport

/// Answers with server-sent events: the state of the gateway, once a second, until the client leaves.
final class StatusStream: RequestHandler {
    private let monitor: Monitor

    /// What a stream sends where there is nothing to tell, so that a client that is gone is noticed.
    private static let heartbeat = Delay.seconds(15)
    /// How long a stream waits for the last document while the gateway ends.
    private static let farewell = Delay.seconds(1)
    /// Bytes that are in memory for a client that does not read, besides the document that all share.
    private static let pieceSize = 16 << 10

    private static let events = Interest.signal | .hangup | .finished

    private static let fields = Array(
        (StatusPage.commonFields + [(name: "Content-Type", value: "text/event-stream")])
            .map { "\($0.name): \($0.value)\r\n" }.joined().utf8)
    private static let full = refusal(
        503, "\(StatusFeed.readerLimit) status pages are open already", [(name: "Retry-After", value: "5")])
    private static let foreign = refusal(403, "a page of another site asks", [])

    private static func refusal(
        _ status: Int, _ reason: String, _ fields: [(name: String, value: String)]
    ) -> FixedResponse {
        FixedResponse(
            status: status,
            fields: StatusPage.commonFields + [(name: "Content-Type", value: "text/plain; charset=utf-8")] + fields,
            body: Array("\(status) \(StatusCode.reason(status)): \(reason)\n".utf8))
    }

    init(_ monitor: Monitor) {
        self.monitor = monitor
    }

    func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        if exchange.head.method == .head {
            Self.fields.withBytes { exchange.beginResponse(status: 200, fields: $0, length: .undeclared) }
            _ = exchange.finish()
            return
        }
        // Browsers state whose page asks (Fetch Metadata); others could not read it, but would take the places.
        if let site = exchange.onlyValue(named: "sec-fetch-site").map({ exchange.text(of: $0) }),
            site != "same-origin", site != "none"
        {
            return exchange.respond(Self.foreign)
        }
        guard let reader = monitor.feed.join(exchange.endpoint, of: monitor) else {
            return exchange.respond(Self.full)
        }
        defer { monitor.feed.leave(reader) }
        Self.fields.withBytes { exchange.beginResponse(status: 200, fields: $0, length: .unknown) }
        // How long the client waits before it asks again, in milliseconds.
        try await send(Array("retry: 1000\n\n".utf8), exchange)
        try await follow(reader, exchange)
        exchange.closeAfterResponse()
        exchange.finish()
    }

    /// Returns when the stream is to end.
    private func follow(_ reader: StatusReader, _ exchange: Exchange) async throws(ExchangeFailure) {
        let endpoint = exchange.endpoint
        while true {
            let isEnding = endpoint.worker.isDraining
            if let mail = reader.next() {
                if let history = mail.history { try await send(history, exchange) }
                try await send(mail.document, exchange)
                if mail.isLast || isEnding { return }
                continue
            }
            let limit = endpoint.worker.now.advanced(by: isEnding ? Self.farewell : Self.heartbeat)
            // A client that sends nothing more has left: the request was all there was to send.
            let interest: Interest = isEnding ? Self.events : Self.events | .drain
            switch await endpoint.wait(for: interest, until: limit) {
            case .signalled, .ready, .draining: continue
            case .deadline:
                if isEnding { return }
                try await send(Array(":\n\n".utf8), exchange)
            case .hangup: throw .clientGone(.reset)
            case .aborted: throw .aborted
            }
        }
    }

    private func send(_ bytes: [UInt8], _ exchange: Exchange) async throws(ExchangeFailure) {
        var sent = 0
        while sent < bytes.count {
            let end = min(sent + Self.pieceSize, bytes.count)
            bytes.withBytes { _ = exchange.write($0[sent..<end]) }
            sent = end
            try await exchange.flush()
        }
    }
}
