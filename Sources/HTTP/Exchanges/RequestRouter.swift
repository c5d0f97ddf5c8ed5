import Transport

/// Determines which handler answers a request; one per listener, used by all its connections.
package protocol RequestRouter: AnyObject {
    /// Answers immediately, or returns the handler that will.
    ///
    /// A request that is answered here never suspends its connection.
    func answer(_ exchange: Exchange) -> Disposition

    /// Like `answer(_:)`, for an internal request; routes whose handler is among `passed` are skipped.
    func answer(_ exchange: Exchange, passing passed: [any RequestHandler]) -> Disposition

    /// Whether `finished` has to be called; queried once per request.
    var observesExchanges: Bool { get }

    /// Called when a response has been passed to the connection completely, or has been abandoned. If the request was
    /// rejected before it was parsed, its head contains nothing.
    func finished(_ exchange: Exchange)

    /// Called when a response that switches protocols has been passed to the connection; returns the observer of the
    /// connection's end.
    func switched(_ exchange: Exchange) -> (any SuccessionObserver)?

    /// Called before a request is rejected without being routed; attaches the site's response filter and error pages,
    /// as far as they are available.
    func prepareRefusal(of exchange: Exchange)

    /// Called when a request was rejected; it has an identifier if it was parsed.
    func rejected(_ rejection: RequestRejection, on connection: ClientConnection, as id: RequestID?)

    /// Called when a response was cut off, or a request abandoned during its response, because of the client.
    func cut(_ reason: StaticString, on connection: ClientConnection, as id: RequestID?)

    /// Called when an HTTP/2 connection was closed for a fault of its client.
    func ended(_ fault: HTTP2Fault, on connection: ClientConnection)
}

/// How a request will be answered.
package enum Disposition {
    /// The exchange's response is complete.
    case answered
    case handler(any RequestHandler)
    /// No route answers; the connection closes.
    case refused(RequestRejection)
}

/// Answers requests that take time: reads the body, waits for other events, streams the response.
package protocol RequestHandler: AnyObject {
    /// Completes the exchange; a response that was begun and not finished is visibly cut off.
    func handle(_ exchange: Exchange) async throws(ExchangeFailure)

    // Requests that need no task: those whose response is likely to be complete at the end of this turn.

    /// Begins such a request; nil if `handle` has to be called. There is no body to read.
    ///
    /// The endpoint's keeper is notified when there is something to complete, or when there will not be so soon.
    func begin(_ exchange: Exchange) -> BegunRequest?

    /// Completes the exchange of a request that was begun; false if `handle(_:begun:)` has to be called for that.
    func complete(_ exchange: Exchange, begun request: BegunRequest) -> Bool

    /// As `handle`, for a request that was begun.
    func handle(_ exchange: Exchange, begun request: BegunRequest) async throws(ExchangeFailure)
}

extension RequestHandler {
    package func begin(_ exchange: Exchange) -> BegunRequest? { nil }

    package func complete(_ exchange: Exchange, begun request: BegunRequest) -> Bool { false }

    package func handle(_ exchange: Exchange, begun request: BegunRequest) async throws(ExchangeFailure) {
        try await handle(exchange)
    }
}

/// What a handler knows about a request that it has begun.
package typealias BegunRequest = AnyObject

/// Takes over a connection that has switched to another protocol (RFC 9110 §7.8).
package protocol ConnectionSuccessor: AnyObject {
    /// Uses the stream until its end and closes it.
    func take(_ stream: any ByteStream) async -> SuccessionTally

    /// Called when the connection failed before it was taken over.
    func connectionLost()
}

/// Notified when a connection that switched protocols has ended.
package protocol SuccessionObserver: AnyObject {
    func ended(_ tally: SuccessionTally)
}

/// The byte counts of a connection after its protocol switch.
package struct SuccessionTally: Equatable, Sendable {
    package var fromClient: UInt64 = 0
    package var toClient: UInt64 = 0

    package init(fromClient: UInt64 = 0, toClient: UInt64 = 0) {
        self.fromClient = fromClient
        self.toClient = toClient
    }
}

/// Why an exchange cannot be completed.
package enum ExchangeFailure: Error, Equatable, Sendable {
    /// The request is malformed, too large or too slow; answered with the status of the rejection if nothing was sent.
    case rejected(RequestRejection)
    /// The client has closed or reset the connection.
    case clientGone(TransportFailure)
    /// The client accepted nothing of the response for the length of the write timeout.
    case writeTimeout
    /// The client accepts the response below the minimum data rate.
    case responseTooSlow
    /// The response as a whole took too long.
    case responseTimeout
    /// The gateway stops.
    case aborted

    /// A description of the client's fault for the log; nil if the client did not cause the failure.
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
