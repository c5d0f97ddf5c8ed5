import HTTP
import TLS
import Transport

/// `allow`, `deny` and `basic_auth`: lets a request through to its action, or refuses it.
final class AccessAction: Action, RequestHandler {
    private let rules: AccessRules
    private let users: PasswordFile?
    private let action: Action
    private var known = KnownCredentials()

    private let forbidden = AccessAction.message(403, "not from this address", [])
    private let unauthorized: FixedResponse
    private let busy = AccessAction.message(503, "too many passwords to check", [("Retry-After", "1")])

    /// A hash costs as much as thousands of requests; hashing only a few at a time leaves the processors to those.
    private static let threads = SideThreads("passwords", width: 2, limit: 64)
    private static let limit = Delay.seconds(30)
    /// Prevents the digests of this process from being looked up in a table computed beforehand.
    private static let salt = (0..<32).map { _ in UInt8.random(in: .min ... .max) }

    init(_ rules: AccessRules, users: PasswordFile?, action: Action) {
        self.rules = rules
        self.users = users
        self.action = action
        let challenge = "Basic realm=\"\(rules.basic?.realm ?? "")\", charset=\"UTF-8\""
        unauthorized = Self.message(401, "a user and a password are needed", [("WWW-Authenticate", challenge)])
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        guard rules.admit(exchange.clientIP) else {
            exchange.fail(forbidden)
            return .answered
        }
        guard users != nil else { return action.answer(exchange) }
        guard let value = authorization(of: exchange) else {
            exchange.fail(unauthorized)
            return .answered
        }
        let now = exchange.endpoint.worker.now
        guard let user = known.user(of: Self.digest(of: value), at: now) else { return .handler(self) }
        exchange.setUser(user)
        return action.answer(exchange)
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        handlers.contains { $0 === self } || action.isHandled(byAnyOf: handlers)
    }

    /// Checks a password that is not known yet.
    func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        guard let users, let value = authorization(of: exchange), let credentials = BasicCredentials(value) else {
            return exchange.fail(unauthorized)
        }
        let isRight = try await exchange.run(on: Self.threads, within: Self.limit) {
            users.accepts(user: credentials.user, password: credentials.password)
        }
        guard let isRight else { return exchange.fail(busy) }
        guard isRight else { return exchange.fail(unauthorized) }
        known.add(Self.digest(of: value), of: credentials.user, at: exchange.endpoint.worker.now)
        exchange.setUser(credentials.user)
        if case .handler(let handler) = action.answer(exchange) { try await handler.handle(exchange) }
    }

    /// Of several fields, it is unknown which one an upstream server would use.
    private func authorization(of exchange: Exchange) -> String? {
        exchange.onlyValue(named: "authorization").map { exchange.text(of: $0) }
    }

    private static func digest(of value: String) -> ContentDigest {
        ContentDigest(salt, Array(value.utf8))
    }

    private static func message(_ status: Int, _ text: String, _ fields: [(String, String)]) -> FixedResponse {
        FixedResponse(
            status: status,
            fields: [(name: "Content-Type", value: "text/plain; charset=utf-8")]
                + fields.map { (name: $0.0, value: $0.1) },
            body: Array("\(status) \(StatusCode.reason(status)): \(text)\n".utf8))
    }
}
