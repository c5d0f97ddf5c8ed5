import Memory
import Transport

/// A client as the handlers of its requests use it: one HTTP/1 connection, or one HTTP/2 stream.
///
/// This class and its extensions contain what an exchange needs: properties of the connection, reading a body, sending
/// a response, waiting on `endpoint`. The subclasses transfer the bytes: `HTTPConnection` those of the connection
/// itself, `StreamConnection` in frames.
package class ClientConnection {
    /// The byte stream of the connection.
    package final let stream: any ByteStream
    /// The endpoint on which the request's task waits.
    package final let endpoint: WaitingEndpoint
    final let service: HTTPService
    /// Data that the extensions' dispatcher derives once and keeps for the lifetime of the connection.
    package final var attachment: AnyObject?
    /// The header lines that state the origin of the connection's requests to upstream servers.
    final var keptOrigin = KeptOrigin()

    /// The client to which the current request is counted, if a trusted proxy forwards it.
    final var countedClient: UInt64?

    /// Takes over the connection after the exchange that switched protocols.
    final var successor: (any ConnectionSuccessor)?
    final var successionObserver: (any SuccessionObserver)?

    init(_ stream: any ByteStream, waitingAt endpoint: WaitingEndpoint, service: HTTPService) {
        self.stream = stream
        self.endpoint = endpoint
        self.service = service
    }

    // MARK: Protocol-specific operations

    /// Receives more of the request's body; `.end` at the end of the connection, which is not the end of the body.
    func receiveMore(_ exchange: Exchange) -> IOResult { preconditionFailure("each protocol receives its own way") }

    /// The next step of a body that is received in frames.
    func nextFramedStep(_ exchange: Exchange) throws(ExchangeFailure) -> BodyStep {
        preconditionFailure("only HTTP/2 has frames")
    }

    /// Sends what the client accepts now; nil if everything is sent, otherwise the events to wait for.
    func flushNow(_ exchange: Exchange) throws(ExchangeFailure) -> Interest? {
        preconditionFailure("each protocol sends its own way")
    }

    /// Sends the next bytes of `source`, at most `limit`, after everything that is in the response's output.
    func pass(
        _ source: inout BodySource, upTo limit: Int, _ exchange: Exchange
    ) throws(ExchangeFailure) -> PassResult {
        preconditionFailure("each protocol sends its own way")
    }

    /// Whether `pass` sends the bytes of mapped files without copying them.
    var sendsMapped: Bool { false }

    /// The number of bytes in the output beyond which a framed body is sent before more is added.
    var framedLimit: Int { Self.collectedSize }

    /// Lets the other streams of the connection send: there is nothing to send on this one for now.
    func leaveQueue() {}

    /// Signals the end of the response, as far as this is possible without waiting.
    func finishStream() {}

    /// Sends all output, waiting while the client is slow.
    func flush(_ exchange: Exchange) async throws(ExchangeFailure) {
        while let interest = try flushNow(exchange) { try await waitToSend(interest, exchange) }
    }

    // MARK: Common to all protocols

    /// Whether the connection can persist, according to the current request and the gateway's state.
    @inline(__always)
    final func mayKeepAlive(_ exchange: Exchange) -> Bool {
        if endpoint.worker.isDraining || service.isRetired { return false }
        let body = exchange.storage.value.body
        if body.hasEnded { return true }
        if body.expectsContinue { return false }
        // A handler that has begun to read the body is expected to read all of it, or reports that it will not
        // (`leavesBodyUnread`).
        guard !body.hasBegun, let remaining = body.remaining else { return true }
        return remaining <= UInt64(service.limits.unreadBody)
    }

    /// Determines what must be known before a request is routed: whether the size of its body is allowed, its client,
    /// and its path.
    @inline(__always)
    final func prepareRouting(_ exchange: Exchange, _ head: RequestHead) throws(RequestRejection) {
        let storage = exchange.storage
        if let proxies = service.trustedProxies { try exchange.learnClient(from: proxies) }
        if head.form != .origin { try checkTarget(exchange, head) }
        let path = exchange.bytes(of: head.path)
        let hasPath = head.form == .origin || head.form == .absolute
        guard hasPath, !PathNormalizer.isNormal(path.bytes) else { return }
        let buffer = OwnedBytes(count: path.count + 1)
        let count = try PathNormalizer.normalize(path.bytes, into: buffer.room)
        storage.value.normalizedPath = Array(buffer.view[..<count])
    }

    /// Begins the body of a request, unless it is known to be too large.
    @inline(__always)
    final func beginBody(_ exchange: Exchange, _ head: RequestHead) throws(RequestRejection) {
        let storage = exchange.storage
        storage.value.body = RequestBody(head)
        let limit = service.limits.maximumBody
        if let length = storage.value.body.remaining, length > limit { throw .bodyTooLarge }
    }

    /// Rejects targets that no route of this listener can match.
    @inline(never)
    private final func checkTarget(_ exchange: Exchange, _ head: RequestHead) throws(RequestRejection) {
        if head.form == .authority { throw .tunnelRequested }
        // The secure connection may end at a trusted proxy (RFC 9110 §7.4).
        guard head.form == .absolute, !stream.isSecure, exchange.trustedField == nil else { return }
        let target = exchange.bytes(of: head.target)
        if target.bytes.hasPrefix("https:", from: 0, to: target.count) { throw .insecureScheme }
    }

    /// The progress of a request: its head is being parsed, it is being routed, or a route answers it.
    enum Stage {
        case parsing, routing, answering
    }

    /// Answers a request that cannot be trusted with a small response.
    final func refuse(_ exchange: Exchange, _ rejection: RequestRejection, at stage: Stage) {
        let storage = exchange.storage
        storage.value.response = ResponseEncoder()
        storage.value.body = RequestBody()
        if stage == .parsing { storage.value.parser.abandon() }
        if stage != .answering { service.router.prepareRefusal(of: exchange) }
        exchange.refuse(rejection)
        let isUnderstood = stage != .parsing
        service.router.rejected(rejection, on: self, as: isUnderstood ? exchange.requestID : nil)
        service.observe(exchange)
    }

    /// Logs why an exchange could not be completed; its response is abandoned as it is.
    final func logAborted(_ exchange: Exchange, _ failure: ExchangeFailure) {
        exchange.noteFailure(failure)
        exchange.abandonResponse()
        if let reason = failure.reason {
            if exchange.logReason == nil { exchange.setLogReason(reason) }
            noteCut(failure, as: exchange.requestID)
        }
        service.observe(exchange)
    }
}
