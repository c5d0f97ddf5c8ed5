/// Why a step towards a certificate failed.
package enum AcmeError: Error, Equatable, Sendable {
    /// No connection to the authority, or one that broke.
    case unreachable(String)
    /// The authority did not answer in time.
    case late
    /// An answer that the protocol does not have.
    case nonsense(String)
    /// The authority refused, with a problem document (RFC 8555 §6.7), and may have said when to ask again.
    case refused(ProblemDocument, retryAfter: Int64?)
    /// The authority answered with a status that is no problem document.
    case status(Int, retryAfter: Int64?)
    /// The authority could not validate a name.
    case notValidated(name: String, ProblemDocument?)
    /// The authority offers no challenge for this name that is configured.
    case noChallenge(name: String, offered: [String])
    /// The order did not get on within the time that it has.
    case tooSlow(String)
    /// The certificate is not the one that was ordered.
    case wrongCertificate(String)
    /// Something of this machine.
    case local(String)
    /// The gateway ends in the middle of a step, which is done anew by the next one.
    case interrupted
    /// A storage of several gateways cannot be used, or is in the hands of another one.
    case storage(String)

    package var message: String {
        switch self {
        case .unreachable(let reason): "the authority cannot be reached: \(reason)"
        case .late: "the authority did not answer in time"
        case .nonsense(let what): "the authority sent \(what)"
        case .refused(let problem, _): "the authority refused: \(problem.text)"
        case .status(let status, _): "the authority answered with status \(status)"
        case .notValidated(let name, let problem):
            "the authority could not validate \(name)\(problem.map { ": \($0.text)" } ?? "")"
        case .noChallenge(let name, let offered):
            "the authority offers no configured challenge for \(name); it offers "
                + (offered.isEmpty ? "none" : offered.joined(separator: ", "))
        case .tooSlow(let what): "\(what)"
        case .wrongCertificate(let reason): "the certificate is not the one that was ordered: \(reason)"
        case .local(let reason), .storage(let reason): reason
        case .interrupted: "the gateway ends"
        }
    }

    /// When the authority wants to be asked again, in seconds from now.
    package var retryAfter: Int64? {
        switch self {
        case .refused(_, let seconds), .status(_, let seconds): seconds
        default: nil
        }
    }

    /// Whether an order may go on when the authority can be asked again.
    package var leavesOrder: Bool {
        switch self {
        case .unreachable, .late: true
        case .refused(let problem, _): problem.kind == "serverInternal"
        case .status(let status, _): status >= 500
        default: false
        }
    }

    /// Whether the authority refuses what it accepts at another time.
    package var isTemporary: Bool {
        switch self {
        case .unreachable, .late, .nonsense, .tooSlow: true
        case .refused(let problem, _): problem.kind == "rateLimited" || problem.kind == "serverInternal"
        case .status(let status, _): status == 429 || status >= 500
        case .notValidated, .noChallenge, .wrongCertificate, .local, .storage, .interrupted: false
        }
    }
}
