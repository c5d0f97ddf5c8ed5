import Transport

/// What decides which handler answers a request; one per listener, used by all its connections.
package protocol RequestRouter: AnyObject {
    /// Answers on the spot, or names the handler that will.
    ///
    /// A request that is answered here never suspends its connection.
    func answer(_ exchange: Exchange) -> Disposition

    /// As `answer(_:)` for an internal request; routes whose handler is among `passed` do not count.
    func answer(_ exchange: Exchange, passing passed: [any RequestHandler]) -> Disposition

    /// Whether `finished` wants to be called; asked once per request.
    var observesExchanges: Bool { get }

    /// A response has been handed to the connection as a whole, or given up. Of a request that was refused before it was
    /// understood the head tells nothing.
    func finished(_ exchange: Exchange)

    /// A response that switches protocols has been handed to the connection; what is to be told of that one's end.
    func switched(_ exchange: Exchange) -> (any SuccessionObserver)?

    /// A request will be refused before it is routed; what its site does to responses is attached, and its words for
    /// errors, as far as they are at hand.
    func prepareRefusal(of exchange: Exchange)

    /// A request was refused; it has a name if it was understood.
    func rejected(_ rejection: RequestRejection, on connection: ClientConnection, as id: RequestID?)

    /// A response was cut off, or a request given up in the middle of its response, because of the client.
    func cut(_ reason: StaticString, on connection: ClientConnection, as id: RequestID?)

    /// A connection of HTTP/2 was ended for what its client did.
    func ended(_ fault: HTTP2Fault, on connection: ClientConnection)
}

/// How a request will be answered.
package enum Disposition {
    /// The exchange's response is complete.
    case answered
    case handler(any RequestHandler)
    /// By no route; the connection ends.
    case refused(RequestRejection)
}

/// Answers requests that take their time: reads the body, waits for others, streams the response.
package protocol RequestHandler: AnyObject {
    /// Brings the exchange to its end; a response that was begun and not finished is cut off visibly.
    func handle(_ exchange: Exchange) async throws(ExchangeFailure)
}

/// Goes on with a connection that speaks another protocol from now on (RFC 9110 §7.8).
package protocol ConnectionSuccessor: AnyObject {
    /// Uses the stream to its end and closes it.
    func take(_ stream: any ByteStream) async -> SuccessionTally

    /// The connection was lost before it could be taken.
    func connectionLost()
}

/// Told how a connection that changed its protocol has ended.
package protocol SuccessionObserver: AnyObject {
    func ended(_ tally: SuccessionTally)
}

/// The bytes of a connection behind its change of protocol.
package struct SuccessionTally: Equatable, Sendable {
    package var fromClient: UInt64 = 0
    package var toClient: UInt64 = 0

    package init(fromClient: UInt64 = 0, toClient: UInt64 = 0) {
        self.fromClient = fromClient
        self.toClient = toClient
    }
}

/// Why an exchange cannot be brought to its end.
package enum ExchangeFailure: Error, Equatable, Sendable {
    /// The request turned out to be malformed, too large or too slow; answered with its status if nothing was sent.
    case rejected(RequestRejection)
    /// The client is gone.
    case clientGone(TransportFailure)
    /// The client took nothing of the response for the length of the write timeout.
    case writeTimeout
    /// The client takes the response more slowly than it must.
    case responseTooSlow
    /// The response as a whole took longer than it may.
    case responseTimeout
    /// The gateway stops.
    case aborted

    /// What the client did, in words for the log; nil when it is not to blame.
    package var reason: StaticString? {
        switch self {
        case .rejected(let rejection): rejection.reason
        case .writeTimeout: "response not taken in time"
        case .responseTooSlow: "response taken too slowly"
        case .responseTimeout: "response not taken within response_timeout"
        case .clientGone, .aborted: nil
        }
    }
}
