import Transport

/// What one connection may take, in bytes and time; the configuration's `limits`.
package struct ConnectionLimits: Sendable {
    package var head = HeadLimits()
    /// Bytes of a request body, framing not counted.
    package var maximumBody: UInt64 = 1 << 30
    /// Bytes of a body its handler did not read that are read and dropped to keep the connection.
    package var unreadBody = 256 << 10
    /// From the first byte of a request head to its last, not counting the time earlier requests took.
    package var headerTimeout = Delay.seconds(10)
    /// Between two reads of a request body.
    package var bodyTimeout = Delay.seconds(30)
    /// Between two requests.
    package var idleTimeout = Delay.seconds(75)
    /// Between two successful sends of a response.
    package var writeTimeout = Delay.seconds(60)

    /// After the response that closes a connection whose client may still be sending: closing with unread bytes would
    /// reset the connection and could destroy the response on its way (RFC 9112 §9.6).
    static let lingerTimeout = Delay.seconds(5)
    /// Bytes dropped in that time; a client that sends without a pause would otherwise keep the worker from all others.
    static let lingerBytes = 64 << 20
    /// How long an idle connection may still send a request after a drain began, so that one already on its way is
    /// answered.
    static let drainLinger = Delay.seconds(1)

    package init() {}
}
