import Redis

/// A Redis server that counts for all instances of a fleet.
package struct SharedEngineConfiguration: Sendable, Equatable {
    package var name: String
    package var redis: RedisURL
    /// The file of the password, as an absolute path; nil when it is in the URL, or there is none.
    package var passwordFile: String?
    /// From a command to its reply. A server of the same network answers within a millisecond, and a request should not
    /// wait for a counter longer than a person notices.
    package var timeout = Duration.milliseconds(50)
    package var onFailure = FailureMode.local
    /// How long requests of an instance count that does not report any more.
    package var lease = Duration.seconds(6)
    /// Commands of one worker that may wait for their replies.
    package var queue = 4096
    package var tls = UpstreamTLSConfiguration()

    /// What limits mean while the server cannot be used.
    package enum FailureMode: Sendable, Equatable {
        /// Each instance has its part of the limit.
        case local
        /// Requests pass.
        case allow
        /// Requests are answered 503.
        case deny
    }
}
