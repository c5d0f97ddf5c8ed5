import ISAPI

/// A request of a supervisor to a gateway process.
enum ControlRequest: Codable, Equatable, Sendable {
    /// Listening sockets, with one descriptor each; the `start` or `reload` that follows takes all that were sent
    /// before it.
    case sockets([SocketLabel])
    /// Begin to serve; the descriptor is a `MaterialArchive` in sealed memory.
    case start
    /// Serve the archive in the descriptor from now on.
    case reload(id: Int)
    /// The same for the certificates only; the configuration in the archive is the one being served.
    case exchangeCertificates(id: Int)
    /// Accept no more and end after the connections have ended; those left after the grace period are cut.
    ///
    /// While the gateway as a whole ends, the admin listener goes on meanwhile. A process that another one has replaced
    /// leaves that to its successor; `isReplaced` is nil from a program that has no admin listener.
    case drain(graceMilliseconds: Int?, isReplaced: Bool? = nil)
    /// Cut every connection and end.
    case abort
    case reopenLogs
    case status(id: Int)
    case certificates(id: Int)
    case pools(id: Int)
    case poolCommand(id: Int, PoolCommand, pool: String)
    /// Answered as `poolCommand` is.
    case acme(id: Int, AcmeCommand)
    /// Look recorded requests up.
    case trace(id: Int, TraceFilter)
    /// Answer once every worker's event loop has turned.
    case beat(id: Int)
    /// What the supervisor contributes to reports of the gateway process; sent whenever it changes.
    case supervisor(SupervisorFacts)

    /// Whether it contains an archive, from which many objects are built.
    var bringsMaterial: Bool {
        switch self {
        case .start, .reload, .exchangeCertificates: true
        default: false
        }
    }
}

/// A message of a gateway process to its supervisor.
enum ControlReply: Codable, Equatable, Sendable {
    /// Every listener accepts connections.
    case ready
    /// It has crashed, and ends after writing its crash report.
    case crashing
    /// It cannot start, and ends.
    case failed(ControlFailure)
    case reloaded(id: Int, ReloadReport)
    case notReloaded(id: Int, ControlFailure)
    case status(id: Int, GatewayStatus)
    case certificates(id: Int, [CertificateSummary])
    case pools(id: Int, [ProcessPoolStatus])
    case poolCommand(id: Int, isDone: Bool, String)
    /// Nil where requests are not recorded.
    case trace(id: Int, TraceReport?)
    case beat(id: Int)
    /// Everything was released.
    case ended
}

/// The listener and worker of a socket.
struct SocketLabel: Codable, Equatable, Sendable {
    let listener: String
    let worker: Int
}

/// A `GatewayError`, in the form in which it is sent between processes.
struct ControlFailure: Codable, Equatable, Sendable {
    let isConfiguration: Bool
    let message: String

    init(_ error: GatewayError) {
        message = error.message
        if case .configuration = error { isConfiguration = true } else { isConfiguration = false }
    }

    var error: GatewayError { isConfiguration ? .configuration(message) : .runtime(message) }
}
