import Redis

/// A Redis, and how it is spoken to.
package struct RedisConfiguration: Sendable, Equatable {
    package var url: RedisURL
    /// The file whose first line is the password, in place of one in the URL.
    package var passwordFile: String?
    package var tls = UpstreamTLSConfiguration()
    /// For a connection, and for the answer to each command.
    package var timeout: Duration
}
