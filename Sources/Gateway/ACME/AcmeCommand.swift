/// What an operator has done about certificates that the gateway orders.
package enum AcmeCommand: Codable, Equatable, Sendable {
    /// Order the certificates of a name again, if it is time, or in any case.
    case renew(name: String, isForced: Bool)
    /// Revoke the certificates of a name, and order others.
    case revoke(name: String)
    /// Tell the records of domains that prove a name, or all names, for an account.
    case persistentRecords(name: String?)
    /// Order certificates for a name, or for all names, and throw them away.
    case test(name: String?, inProduction: Bool)
    /// Replace the key of the account at an issuer.
    case rollOver(issuer: String)
}

/// The outcome of a command, for whoever waits for it.
struct AcmeOutcome: Sendable {
    let isDone: Bool
    let text: String

    static func done(_ text: String) -> AcmeOutcome { AcmeOutcome(isDone: true, text: text) }
    static func failed(_ text: String) -> AcmeOutcome { AcmeOutcome(isDone: false, text: text) }
}

/// A command and who waits for its outcome.
struct AcmeAssignment: Sendable {
    let command: AcmeCommand
    let done: @Sendable (AcmeOutcome) -> Void
}
