import HTTP
import Memory
import Synchronization

/// The answers to http-01 at present, by token (RFC 8555 §8.3); every plain listener gives them, before any site.
final class HTTPChallenges: Sendable {
    private let answers = Mutex<[String: FixedResponse]>([:])

    static let path = Array("/.well-known/acme-challenge/".utf8)

    /// The same for every other token, so that nobody learns which there are.
    private static let unknown = FixedResponse(
        status: 404, fields: [("Content-Type", "text/plain; charset=utf-8")],
        body: Array("404 Not Found: no such challenge\n".utf8))

    func set(_ keyAuthorization: String, for token: String) {
        let response = FixedResponse(
            status: 200, fields: [("Content-Type", "application/octet-stream"), ("Cache-Control", "no-store")],
            body: Array(keyAuthorization.utf8))
        answers.withLock { $0[token] = response }
    }

    func remove(_ token: String) {
        answers.withLock { _ = $0.removeValue(forKey: token) }
    }

    /// Whether the request was one for a challenge, and is answered.
    func answer(_ exchange: Exchange) -> Bool {
        let path = exchange.bytes(of: exchange.head.path)
        guard path.count > Self.path.count, path.prefix(Self.path.count).elementsEqual(Self.path) else { return false }
        let isRead = exchange.head.method == .get || exchange.head.method == .head
        let token = String(decoding: path.dropFirst(Self.path.count), as: UTF8.self)
        let answer = isRead ? answers.withLock { $0[token] } : nil
        exchange.respond(answer ?? Self.unknown)
        return true
    }
}
