import Transport

/// What one connection may take, in bytes and time; the configuration's `limits`.
package struct ConnectionLimits: Sendable {
    package var head = HeadLimits()
    /// Bytes of a request body, framing not counted.
    package var maximumBody: UInt64 = 1 << 30
    /// Bytes of a body its handler did not read that are read and dropped to keep the connection.
    package var unreadBody = 256 << 10
    /// From the first byte of a request head to its last, not counting the time earlier requests took; before the first
    /// request also to that byte.
    package var headerTimeout = Delay.seconds(10)
    /// Between two reads of a request body.
    package var bodyTimeout = Delay.seconds(30)
    /// Between two requests.
    package var idleTimeout = Delay.seconds(75)
    /// Between two successful sends of a response.
    package var writeTimeout = Delay.seconds(60)
    /// Of request bodies, while more of one is waited for.
    package var requestRate = MinimumDataRate.usual
    /// Of responses, while a client does not take all that there is.
    package var responseRate = MinimumDataRate.usual
    /// From the first time that a response had to wait for its client to its end; nil for no limit.
    package var responseTimeout: Delay? = Delay.seconds(86_400)
    /// Of connections of HTTP/2; the limits of heads are those of `head`.
    package var http2 = HTTP2Limits()
    /// Requests after which a connection of HTTP/2 ends; nil for as many as it has numbers for.
    package var http2Requests: Int?
    /// After the response that closes a connection whose client may still be sending.
    package var linger = Self.defaultLinger

    /// How long an idle connection may still send a request after a drain began, so that one already on its way is
    /// answered.
    static let drainLinger = Delay.seconds(1)

    /// Dropping bytes is cheap, and a client that cannot be told to stop has its answer only if all of them are dropped.
    private static var defaultLinger: LingerLimits {
        var limits = LingerLimits()
        limits.time = .seconds(30)
        limits.bytes = .max
        return limits
    }

    package init() {}

    var bodyTransfer: DataRateMeter.Limits { .init(rate: requestRate, pause: bodyTimeout) }
    var responseTransfer: DataRateMeter.Limits {
        .init(rate: responseRate, pause: writeTimeout, total: responseTimeout)
    }
}
