/// What whoever runs a gateway asks of it; every call comes from the thread that made the gateway.
package protocol GatewayControl: AnyObject {
    /// Serves; returns once every listener accepts connections.
    func start(_ material: Material) throws(GatewayError)
    /// Replaces what is served; after a failure everything is as it was.
    func reload(_ material: Material) -> Result<ReloadReport, GatewayError>
    /// Replaces the certificates alone, by the configuration being served; after a failure everything is as it was.
    func exchangeCertificates(_ material: Material) -> Result<ReloadReport, GatewayError>
    /// Closes the listeners and lets connections finish what they are doing.
    ///
    /// - Parameter begun: called on some thread once every worker does so.
    func drain(_ begun: @escaping @Sendable () -> Void)
    /// Cuts the connections that are left.
    func abort()
    /// Waits for workers and pools and unloads the extensions; only after the last worker has ended.
    ///
    /// - Parameter limit: how long extensions may take to let go.
    func finish(within limit: Duration)
    /// Opens the log files anew, after they were renamed.
    func reopenLogs()
    func status() -> GatewayStatus
    /// The most connections there were at once since this was asked last, and how many are open now.
    func takeConnectionLevels() -> (highest: Int, open: Int)
    func certificateSummaries() -> [CertificateSummary]
    /// Calls `beaten` on some thread once a message has gone through every worker's event loop.
    func heartbeat(_ beaten: @escaping @Sendable () -> Void)
}

/// What a reload changed.
package struct ReloadReport: Codable, Equatable, Sendable {
    /// Counts the configurations served since the gateway started; the first is 1.
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
    /// Client addresses that have one.
    package var clients: Int
    /// Requests begun since the start.
    package var requests: Int
    /// What clients were refused since the start, and where they were cut off, by reason.
    package var refusals: [RefusalCount]
    package var workers: Int
    package var listeners: [ListenerStatus]
    package var extensions: [ExtensionStatus]
    package var upstreams: [UpstreamStatus]
    /// Who makes the records of TLS 1.3; nil from a process of an earlier version.
    package var records: String?
    package var certificates: [CertificateExpiry]
    /// The configuration served, as in `ReloadReport`.
    package var generation: Int
}

/// When a certificate being served is over.
package struct CertificateExpiry: Codable, Equatable, Sendable {
    package var file: String
    /// Hexadecimal.
    package var serial: String
    /// RFC 3339, UTC.
    package var notAfter: String
    /// Negative when it is over.
    package var secondsLeft: Int64
}

package struct ListenerStatus: Codable, Equatable, Sendable {
    package var name: String
    /// `https://127.0.0.1:8443`
    package var addresses: [String]
}

package struct ExtensionStatus: Codable, Equatable, Sendable {
    package var name: String
    /// What the extension says about itself; nil while it is not loaded.
    package var description: String?
}

package struct UpstreamStatus: Codable, Equatable, Sendable {
    package var name: String
    /// Requests that wait for a server to have room.
    package var waitingRequests: Int
    package var servers: [ServerStatus]

    package struct ServerStatus: Codable, Equatable, Sendable {
        package var url: String
        /// `up`, `down` as checks have found it, or `ejected` because requests failed.
        package var state: String
        /// What is left of the ejection.
        package var ejectedMilliseconds: UInt64?
        /// Requests under way at a server that has a limit for them.
        package var activeRequests: Int?
        /// Connections that changed their protocol, open now.
        package var tunnels: Int
        /// Bytes through tunnels since the start.
        package var tunnelBytesToServer: UInt64
        package var tunnelBytesToClients: UInt64
    }
}
