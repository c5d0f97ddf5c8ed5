import ACME
import FoundationEssentials

/// What any of several gateways needs to answer the challenge of an order that one of them has made.
struct SharedChallenge: Codable, Sendable, Equatable {
    let type: ChallengeType
    let name: String
    let token: String
    /// RFC 8555 §8.1.
    let keyAuthorization: String

    init(_ use: ChallengeUse, keyAuthorization: String) {
        type = use.type
        name = use.name
        token = use.token
        self.keyAuthorization = keyAuthorization
    }

    /// The field by which the server knows it.
    var key: String { "\(type.rawValue) \(name) \(token)" }

    var encoded: [UInt8] { (try? JSONEncoder().encode(self)).map { Array($0) } ?? [] }

    /// Nil for bytes that are no challenge.
    init?(stored bytes: [UInt8]) {
        guard let challenge = try? JSONDecoder().decode(SharedChallenge.self, from: Data(bytes)) else { return nil }
        self = challenge
    }
}
