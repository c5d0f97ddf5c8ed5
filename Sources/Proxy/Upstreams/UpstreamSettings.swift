import Transport

/// The configuration of an upstream, in the units the workers use; immutable.
package struct UpstreamSettings: Sendable {
    package var name: String
    package var connectTimeout = Delay.seconds(5)
    package var sendTimeout = Delay.seconds(30)
    package var responseTimeout = Delay.seconds(60)
    package var readTimeout = Delay.seconds(60)
    package var requestTimeout = Delay.seconds(3600)
    package var tunnelTimeout = Delay.seconds(3600)
    /// Bytes of a response's head.
    package var responseHead = 64 << 10
    /// The header at the beginning of connections; nil for none. A connection with a header belongs to its client, and
    /// is not used again.
    package var proxyProtocol: ProxyProtocolVersion?
    /// Idle connections kept for each server and worker.
    package var keptConnections = 256
    package var keptIdle = Delay.seconds(30)
    package var keptLifetime = Delay.seconds(3600)
    /// Other servers that a request may be sent to when one could not be reached.
    package var retries = 1
    /// How many of a hundred requests may be sent again.
    package var retryBudget = 20
    /// How long a request may wait while every server has its maximum number of requests.
    package var queueTimeout = Delay.seconds(5)

    /// How long a client that waits for 100 (Continue) is prevented from sending its body while the server sends
    /// nothing (RFC 9110 §10.1.1).
    static let continueTimeout = Delay.seconds(1)
    /// Interim responses to one request; more are an error of the server.
    static let maximumInterimResponses = 16

    package init(name: String) {
        self.name = name
    }
}
