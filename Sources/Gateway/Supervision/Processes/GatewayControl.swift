import ISAPI

/// The control interface of a gateway; every call comes from the thread that created the gateway.
protocol GatewayControl: AnyObject {
    /// Serves; returns once every listener accepts connections.
    func start(_ material: Material) throws(GatewayError)
    /// Replaces what is served; after a failure nothing has changed.
    func reload(_ material: Material) -> Result<ReloadReport, GatewayError>
    /// Replaces only the certificates and the servers of upstreams, using the configuration being served; after a failure
    /// nothing has changed.
    func exchangeCertificates(_ material: Material) -> Result<ReloadReport, GatewayError>
    /// Closes the listeners and lets connections finish their requests.
    ///
    /// - Parameters:
    ///   - isReplaced: whether another process serves instead; otherwise the admin listener goes on meanwhile.
    ///   - begun: called on any thread once every worker has begun to.
    func drain(isReplaced: Bool, _ begun: @escaping @Sendable () -> Void)
    /// Resets the remaining connections.
    func abort()
    /// Waits for workers and pools and unloads the extensions; only after the last worker has ended.
    ///
    /// - Parameter limit: how long extensions may take to finish.
    func finish(within limit: Duration)
    /// Reopens the log files, after they were renamed.
    func reopenLogs()
    func status() -> GatewayStatus
    /// Takes what the supervisor contributes to reports.
    func take(_ facts: SupervisorFacts)
    /// The highest number of simultaneous connections since the last call, and how many are open now.
    func takeConnectionLevels() -> (highest: Int, open: Int)
    func certificateSummaries() -> [CertificateSummary]
    /// What the pools of isolated extensions do.
    func poolStatus() -> [ProcessPoolStatus]
    /// Carries a command about a pool out, and calls `done` on any thread.
    func perform(
        _ command: PoolCommand, onPool name: String,
        _ done: @escaping @Sendable (Result<String, PoolCommandError>) -> Void)
    /// Carries a command about certificates out, and calls `done` on any thread.
    func perform(_ command: AcmeCommand, _ done: @escaping @Sendable (AcmeOutcome) -> Void)
    /// Looks recorded requests up, and calls `done` on any thread with what each worker has; false where requests are not
    /// recorded.
    func trace(_ filter: TraceFilter, _ done: @escaping @Sendable ([CollectedRecords]) -> Void) -> Bool
    /// Decodes what the workers have found for a filter.
    func report(_ collected: [CollectedRecords], for filter: TraceFilter) -> TraceReport
    /// Calls `beaten` on any thread once a message has passed through every worker's event loop.
    func heartbeat(_ beaten: @escaping @Sendable () -> Void)
}

/// What a reload changed.
package struct ReloadReport: Codable, Equatable, Sendable {
    /// The number of the configuration served since the gateway started; the first is 1.
    package var generation: Int
    /// One sentence per change, for people.
    package var changes: [String]

    package init(generation: Int, changes: [String]) {
        self.generation = generation
        self.changes = changes
    }
}

/// The state of a running gateway.
package struct GatewayStatus: Codable, Equatable, Sendable {
    package var version: String
    package var pid: Int32
    package var uptimeSeconds: Int
    /// Open connections.
    package var connections: Int
    /// Client addresses with at least one connection.
    package var clients: Int
    /// Requests begun since the start.
    package var requests: Int
    /// How often clients were refused or cut off since the start, by reason.
    package var refusals: [RefusalCount]
    package var workers: Int
    package var listeners: [ListenerStatus]
    package var extensions: [ExtensionStatus]
    package var upstreams: [UpstreamStatus]
    /// Which side handles the records of TLS 1.3; nil from a process of an earlier version.
    package var records: String?
    package var certificates: [CertificateExpiry]
    /// The configuration served, as in `ReloadReport`.
    package var generation: Int
    /// Nil from a process of an earlier version.
    package var accessLogs: [AccessLogStatus]?
    /// What an operator should know, apart from what the supervisor knows; nil from a process of an earlier version.
    package var conditions: [Condition]?
    /// Nil without metrics, and from a process of an earlier version.
    package var traffic: TrafficStatus?
    /// The certificates that the gateway orders; nil from a process of an earlier version.
    package var acme: [AcmeStatus]?
    /// The upstreams whose servers come from etcd; nil from a process of an earlier version.
    package var etcd: [EtcdStatus]?
    /// The engines of shared limits; nil from a process of an earlier version.
    package var shared: [SharedEngineStatus]?
}

/// When a served certificate expires.
package struct CertificateExpiry: Codable, Equatable, Sendable {
    package var file: String
    /// Hexadecimal.
    package var serial: String
    /// RFC 3339, UTC.
    package var notAfter: String
    /// Negative when it has expired.
    package var secondsLeft: Int64
}

package struct ListenerStatus: Codable, Equatable, Sendable {
    package var name: String
    /// `https://127.0.0.1:8443`
    package var addresses: [String]
}

package struct ExtensionStatus: Codable, Equatable, Sendable {
    package var name: String
    /// The extension's own description; nil while it is not loaded.
    package var description: String?
    /// `in_process`, or the name of its pool of processes; nil from a process of an earlier version.
    package var pool: String?
}

package struct UpstreamStatus: Codable, Equatable, Sendable {
    package var name: String
    /// Requests that wait because every server has its maximum number of connections.
    package var waitingRequests: Int
    package var servers: [ServerStatus]

    package struct ServerStatus: Codable, Equatable, Sendable {
        package var url: String
        /// `up`, `down` according to active checks, or `ejected` because requests failed.
        package var state: String
        /// The remaining time of the ejection.
        package var ejectedMilliseconds: UInt64?
        /// Requests in progress at a server that has a limit for them.
        package var activeRequests: Int?
        /// Connections that have switched protocols, open now.
        package var tunnels: Int
        /// Bytes through tunnels since the start.
        package var tunnelBytesToServer: UInt64
        package var tunnelBytesToClients: UInt64
    }
}
