import Transport

/// How one server is used; the same for all workers.
package struct RedisSettings: Sendable {
    package var url: RedisURL
    /// From a command to its reply.
    package var timeout = Delay.milliseconds(50)
    /// Commands of one worker that may wait for their replies.
    package var queue = 4096
    package var replies = RESPParser.Limits()
    /// Sent at the beginning of each connection, and then every `probeInterval`: a server is in use only while it
    /// answers this with something other than an error.
    package var probe: RedisCommand?
    package var probeInterval = Delay.seconds(2)
    /// Sent at the end of a connection that the gateway ends.
    package var farewell: RedisCommand?
    /// Nil for connections without TLS.
    package var security: (any RedisSecurity)?

    package init(_ url: RedisURL) {
        self.url = url
    }

    /// The time for one attempt to connect, with TLS and the first commands. When the server, or the network to it, is
    /// back, the connection is there within this and `longestPause`.
    var connectTimeout: Delay { .milliseconds(max(timeout.milliseconds, 250)) }
    /// Between two attempts.
    static let shortestPause: UInt64 = 10
    static let longestPause: UInt64 = 250
}

/// TLS with servers, as a protocol: the gateway supplies the implementation from a module that this one does not
/// import.
package protocol RedisSecurity: AnyObject, Sendable {
    /// Performs the TLS handshake on an established connection; the endpoint still belongs to the caller when that
    /// fails.
    ///
    /// - Parameter name: the name or address that the certificate must have, unless the configuration has another.
    func secure(_ endpoint: Endpoint, to name: String, until deadline: Deadline) async -> SecuredRedis
}

package enum SecuredRedis {
    case secured(any ByteStream)
    /// The reason in a few words.
    case failed(String)
}

/// Learns what becomes of a server; called on the client's worker.
package protocol RedisObserver: AnyObject {
    /// Commands are answered from now on.
    func connected(_ client: RedisClient)
    /// Commands fail from now on; called once until it is connected again.
    func lost(_ client: RedisClient, _ failure: RedisFailure)
    /// The reply to the probe.
    func probed(_ client: RedisClient, _ reply: RESPValue)
}

/// What one client has done; any thread reads it.
package final class RedisCounters: Sendable {
    package let commands = WorkerCounter()
    /// Commands without a reply, also those that were not sent because the server was lost.
    package let failures = WorkerCounter()
    /// Sends; several commands of a turn are one.
    package let sends = WorkerCounter()
    package let connections = WorkerCounter()
    /// From commands to their replies.
    package let microseconds = WorkerCounter()

    package init() {}
}
