import Transport

/// The limits of one connection in bytes and time; `limits` in the configuration.
package struct ConnectionLimits: Sendable {
    package var head = HeadLimits()
    /// The maximum size of a request body in bytes, without framing.
    package var maximumBody: UInt64 = 1 << 30
    /// The maximum number of unread body bytes that are read and discarded to keep the connection.
    package var unreadBody = 256 << 10
    /// From the first byte of a request head to its last, without the time that earlier requests took; for the first
    /// request, also the time until its first byte.
    package var headerTimeout = Delay.seconds(10)
    /// Between two reads of a request body.
    package var bodyTimeout = Delay.seconds(30)
    /// Between two requests.
    package var idleTimeout = Delay.seconds(75)
    /// Between two successful sends of a response.
    package var writeTimeout = Delay.seconds(60)
    /// For request bodies, while more of one is awaited.
    package var requestRate = MinimumDataRate.usual
    /// For responses, while the client does not accept all available bytes.
    package var responseRate = MinimumDataRate.usual
    /// From the first time that a response had to wait for its client until its end; nil for no limit.
    package var responseTimeout: Delay? = Delay.seconds(86_400)
    /// For HTTP/2 connections; the limits of heads are those of `head`.
    package var http2 = HTTP2Limits()
    /// The number of requests after which an HTTP/2 connection ends; nil for as many as there are stream identifiers.
    package var http2Requests: Int?
    /// For the time after the response that closes a connection whose client may still be sending.
    package var linger = Self.defaultLinger

    /// How long an idle connection may still send a request after a drain has begun, so that a request already in
    /// transit is answered.
    static let drainLinger = Delay.seconds(1)

    /// Discarding bytes is cheap, and a client that does not stop sending receives its response only if all of them are
    /// discarded.
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
