import HTTP
import Transport

/// Asks a server about each request whether it may be answered, before any other handler; one per route and worker.
package final class ForwardAuthorizer: RequestHandler {
    private let forwarder: Forwarder
    private let question: AuthorizationQuestion
    private let next: (Exchange) -> Disposition
    private let answers = FailureAnswers()

    /// Bytes of a denying response, which is sent to the client; it stays in memory.
    private static let answerLimit = 64 << 10

    /// - Parameter next: answers requests that are allowed.
    package init(
        upstream: Upstream, question: AuthorizationQuestion, reporter: any ProxyReporter,
        next: @escaping (Exchange) -> Disposition
    ) {
        forwarder = Forwarder(
            upstream: upstream, route: ProxyRoute(host: .fromServer), reporter: reporter, question: question)
        self.question = question
        self.next = next
    }

    package func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        let answer = HeldResponse(
            Spool.Limits(memory: Self.answerLimit, total: Self.answerLimit, folder: ""))
        do throws(ForwardingFailure) {
            try await forwarder.forward(exchange, holding: Forwarder.Held(response: answer))
        } catch {
            return try answers.answer(error, exchange)
        }
        guard (200...299).contains(answer.status) else {
            exchange.setLogReason("forbidden by forward_auth")
            return try await answer.deliver(to: exchange)
        }
        try await goOn(exchange, answer)
    }

    private func goOn(_ exchange: Exchange, _ answer: HeldResponse) async throws(ExchangeFailure) {
        guard !question.copied.isEmpty else {
            switch next(exchange) {
            case .answered: return
            case .refused(let rejection): throw .rejected(rejection)
            case .handler(let handler): return try await handler.handle(exchange)
            }
        }
        var request = InternalRequest()
        request.fields = .changed(removed: question.copied, added: question.copies(of: answer.fields))
        request.entity = .unread(behind: [])
        switch try await exchange.answer(as: request, by: next) {
        case .answered: return
        case .refused(let rejection): throw .rejected(rejection)
        case .tooDeep: exchange.fail(status: 508, reason: "requests within requests are too deep")
        }
    }
}

/// The subrequest about each request, and the fields of its response that are copied to the request.
package struct AuthorizationQuestion: Sendable, Equatable {
    /// Path and query of the subrequest, which is a GET.
    let target: [UInt8]
    /// Names of fields, in lower case, that the request gets from the response, and from no other source.
    let copied: [[UInt8]]
    /// To the end of the response.
    let timeout: Delay

    package init(target: String, copied: [String], timeout: Delay) {
        self.target = Array(target.utf8)
        self.copied = copied.map { Array($0.lowercased().utf8) }
        self.timeout = timeout
    }

    /// The lines of a response that are copied to the request.
    func copies(of lines: [UInt8]) -> [UInt8] {
        var copies: [UInt8] = []
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = line[..<colon].map(lowercase)
            if copied.contains(name) { copies += line + [UInt8(ascii: "\n")] }
        }
        return copies
    }
}
