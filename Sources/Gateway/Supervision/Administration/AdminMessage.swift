import FoundationEssentials
import ISAPI
import TLS

/// A request of a client of the control socket: one JSON object on one line.
package struct AdminRequest: Codable, Equatable, Sendable {
    package enum Command: String, Codable, Sendable, CaseIterable {
        /// Re-read the configuration and every certificate; answered with the result.
        case reload
        case status
        /// List the certificates being served.
        case certs
        /// Drain within the grace period; a second request ends immediately. Answered when everything has ended.
        case stop
        /// Drain without limit.
        case drain
        /// Reopen the log files.
        case reopen
        /// What the pools of isolated extensions do.
        case pools
        /// Replace the processes of a pool; answered when that is done.
        case recyclePool = "recycle_pool"
        /// Start a pool that rapid-fail protection has stopped.
        case startPool = "start_pool"
        /// The text of the configuration that is served.
        case configuration
        /// The requests that were recorded.
        case trace
        /// Have something done about certificates that the gateway orders; answered with the outcome.
        case acme
    }

    package var command: Command
    /// The pool that the command concerns.
    package var pool: String?
    /// Which recorded requests the command asks for.
    package var trace: TraceFilter?
    /// What is to be done about certificates.
    package var acme: AcmeCommand?

    package init(
        _ command: Command, pool: String? = nil, trace: TraceFilter? = nil, acme: AcmeCommand? = nil
    ) {
        self.acme = acme
        self.command = command
        self.pool = pool
        self.trace = trace
    }
}

/// The answer, again one JSON object on one line.
package struct AdminResponse: Codable, Equatable, Sendable {
    package enum Outcome: String, Codable, Sendable {
        case done
        /// A failure that the configuration did not cause.
        case failed
        /// The request is not one of those above, or comes from another account.
        case refused
        /// A reload is in progress.
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
    package var pools: [ProcessPoolStatus]?
    package var configuration: ServedConfiguration?
    package var trace: TraceReport?

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

    /// The exit code of the command that sent the request (sysexits.h).
    package var exitCode: Int32 {
        switch outcome {
        case .done: 0
        case .failed, .refused: 1
        case .busy: 75
        case .invalid: 78
        }
    }
}

/// The state of a gateway and of its supervisor.
package struct SupervisorStatus: Codable, Equatable, Sendable {
    package var supervisorPid: Int32
    /// Gateway processes that died and were replaced.
    package var restarts: Int
    package var reloads: Int
    package var failedReloads: Int
    /// Nil before the first one.
    package var lastReload: ReloadOutcome?
    /// Gateway processes from before an upgrade whose connections are still finishing.
    package var drainingProcesses: Int
    /// Nil while no gateway process serves.
    package var gateway: GatewayStatus?
    /// What an operator should know; nil from a program of an earlier version.
    package var conditions: [Condition]?

    init(_ supervisor: SupervisorFacts, gateway: GatewayStatus?) {
        supervisorPid = supervisor.pid
        restarts = supervisor.counters.restarts
        reloads = supervisor.counters.reloads
        failedReloads = supervisor.counters.failedReloads
        lastReload = supervisor.counters.lastReload
        drainingProcesses = supervisor.drainingProcesses
        self.gateway = gateway
        conditions = (gateway?.conditions ?? []) + supervisor.conditions(now: TLS.Timestamp.now.seconds)
        self.gateway?.conditions = nil
    }
}

/// How a reload ended.
package struct ReloadOutcome: Codable, Equatable, Sendable {
    package var succeeded: Bool
    /// RFC 3339, UTC.
    package var time: String
    /// Seconds since 1970.
    package var unixSeconds: Int64
    /// For people: the generation that is served, or why it was refused.
    package var message: String
    /// One sentence for each change, without what is unchanged; nil for a reload that was refused.
    package var changes: [String]?

    /// Changes that are kept; a reload may replace thousands of certificates.
    private static let changeLimit = 40
    /// A configuration may have thousands of mistakes.
    private static let messageLimit = 4000

    init(succeeded: Bool, message: String, changes: [String]? = nil) {
        let now = TLS.Timestamp.now
        self.succeeded = succeeded
        self.message = String(message.prefix(Self.messageLimit))
        unixSeconds = now.seconds
        time = now.description
        guard let changes = changes?.filter({ !$0.contains(": unchanged, ") }) else { return }
        let others = changes.count - Self.changeLimit
        self.changes = changes.prefix(Self.changeLimit) + (others > 0 ? ["and \(others) more"] : [])
    }
}

/// Something that happened to the gateway as a whole.
struct SupervisorEvent: Codable, Equatable, Sendable {
    var unixSeconds: Int64
    var text: String
}

/// What a supervisor knows about itself and its processes.
struct SupervisorFacts: Codable, Equatable, Sendable {
    var pid: Int32
    var counters: Supervisor.Counters
    var drainingProcesses: Int
    /// Whether the gateway serves on only until balancers have noticed that it ends; nil from a program of an earlier version.
    var isLeaving: Bool?
}

/// JSON on one line, keys in alphabetical order.
func encodeLine(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let encoded = (try? encoder.encode(value)) ?? Data("{}".utf8)
    return Array(encoded) + [UInt8(ascii: "\n")]
}

/// JSON on several lines, for people and for `jq`.
package func jsonText(of value: some Encodable) -> String {
    String(decoding: encodeLine(value).dropLast(), as: UTF8.self)
}

func decodeLine<Value: Decodable>(_ line: some Collection<UInt8>, as type: Value.Type) -> Value? {
    try? JSONDecoder().decode(type, from: Data(line))
}
