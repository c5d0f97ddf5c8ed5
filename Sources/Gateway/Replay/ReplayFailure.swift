/// Why a request could not be sent again.
package enum ReplayFailure: Error, Equatable, Sendable {
    /// The request is not one that can be sent.
    case unsuitable(String)
    /// There is no connection to the other gateway.
    case unreachable(String)
    /// The connection has failed before the response.
    case broken(String)

    package var message: String {
        switch self {
        case .unsuitable(let text), .unreachable(let text), .broken(let text): text
        }
    }
}

extension ReplayFailure {
    init(_ failure: ConnectionFailure) {
        switch failure {
        case .unreachable(let text): self = .unreachable(text)
        case .broken(let text): self = .broken(text)
        case .unsuitable(let text): self = .unsuitable(text)
        }
    }
}
