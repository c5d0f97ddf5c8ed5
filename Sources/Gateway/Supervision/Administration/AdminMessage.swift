import FoundationEssentials

/// What a client asks on the control socket: one JSON object on one line.
package struct AdminRequest: Codable, Equatable, Sendable {
    package enum Command: String, Codable, Sendable, CaseIterable {
        /// Re-read the configuration and every certificate; answered with the outcome.
        case reload
        case status
        /// List the certificates being served.
        case certs
        /// Drain within the grace period; asked a second time, at once. Answered when everything has ended.
        case stop
        /// Drain without limit.
        case drain
        /// Open the log files anew.
        case reopen
    }

    package var command: Command

    package init(_ command: Command) {
        self.command = command
    }
}

/// The answer, again one JSON object on one line.
package struct AdminResponse: Codable, Equatable, Sendable {
    package enum Outcome: String, Codable, Sendable {
        case done
        /// Something went wrong that is not the configuration's fault.
        case failed
        /// The request is not one of those above, or comes from somebody else's account.
        case refused
        /// A reload is under way.
        case busy
        /// The configuration or a certificate cannot be used.
        case invalid
    }

    package var outcome: Outcome
    /// For people; may have several lines.
    package var message: String
    package var status: SupervisorStatus?
    package var certificates: [CertificateSummary]?
    package var reload: ReloadReport?

    init(_ outcome: Outcome, _ message: String) {
        self.outcome = outcome
        self.message = message
    }

    init(_ error: GatewayError) {
        switch error {
        case .configuration(let text): self.init(.invalid, text)
        case .runtime(let text): self.init(.failed, text)
        }
    }

    /// The exit code of the command that asked (sysexits.h).
    package var exitCode: Int32 {
        switch outcome {
        case .done: 0
        case .failed, .refused: 1
        case .busy: 75
        case .invalid: 78
        }
    }
}

/// The state of a gateway and of what keeps it running.
package struct SupervisorStatus: Codable, Equatable, Sendable {
    package var supervisorPid: Int32
    /// Gateway processes that died and were replaced.
    package var restarts: Int
    package var reloads: Int
    package var failedReloads: Int
    /// Gateway processes of before an upgrade whose connections are still finishing.
    package var drainingProcesses: Int
    /// Nil while no gateway process serves.
    package var gateway: GatewayStatus?
}

/// JSON on one line, keys in alphabetical order.
func encodeLine(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let encoded = (try? encoder.encode(value)) ?? Data("{}".utf8)
    return Array(encoded) + [UInt8(ascii: "\n")]
}

/// The same for people and for `jq`.
package func jsonText(of value: some Encodable) -> String {
    String(decoding: encodeLine(value).dropLast(), as: UTF8.self)
}

func decodeLine<Value: Decodable>(_ line: some Collection<UInt8>, as type: Value.Type) -> Value? {
    try? JSONDecoder().decode(type, from: Data(line))
}
