import Transport

/// A client as the handlers of its requests see it: one connection of HTTP/1, or one stream of HTTP/2.
///
/// What an exchange needs of it is here, or in the extensions beside: facts, reading a body, sending a response, waiting
/// at `endpoint`. How bytes come and go is for the subclasses: `HTTPConnection` has the connection's own, a
/// `StreamConnection` frames.
package class ClientConnection {
    /// What the connection's bytes go through.
    package final let stream: any ByteStream
    /// Where the request's task waits.
    package final let endpoint: WaitingEndpoint
    final let service: HTTPService
    /// What the extensions' dispatcher keeps for the length of the connection: facts it derived once.
    package final var attachment: AnyObject?
    /// Where the connection's requests come from, in the words that servers are told it by.
    final var keptOrigin = KeptOrigin()

    /// As whose the request under way counts, when a trusted proxy makes it for somebody.
    final var countedClient: UInt64?

    /// What goes on with the connection once the exchange that agreed on it is over.
    final var successor: (any ConnectionSuccessor)?
    final var successionObserver: (any SuccessionObserver)?

    init(_ stream: any ByteStream, waitingAt endpoint: WaitingEndpoint, service: HTTPService) {
        self.stream = stream
        self.endpoint = endpoint
        self.service = service
    }

    // MARK: What the protocols do in their own ways

    /// Takes more of the request's body off the connection; at the end of a connection `.end`, which is no end of a body.
    func receiveMore(_ exchange: Exchange) -> IOResult { preconditionFailure("each protocol receives its own way") }

    /// The next step of a body that comes in frames.
    func nextFramedStep(_ exchange: Exchange) throws(ExchangeFailure) -> BodyStep {
        preconditionFailure("only HTTP/2 has frames")
    }

    /// Sends what the client takes now; nil when everything is sent, otherwise what to wait for.
    func flushNow(_ exchange: Exchange) throws(ExchangeFailure) -> Interest? {
        preconditionFailure("each protocol sends its own way")
    }

    /// Sends all of `source` as part of the body; false when a file ended before.
    func send(_ source: BodySource, of exchange: Exchange) async throws(ExchangeFailure) -> Bool {
        preconditionFailure("each protocol sends its own way")
    }

    /// Says that no more of the response follows, as far as it can be said without waiting.
    func finishStream() {}

    /// Sends everything written so far, waiting while the client is slow.
    func flush(_ exchange: Exchange) async throws(ExchangeFailure) {
        while let interest = try flushNow(exchange) { try await waitToSend(interest, exchange) }
    }

    // MARK: The same for all

    /// Whether the connection can be kept, as far as the current request and the gateway's state tell.
    @inline(__always)
    final func mayKeepAlive(_ exchange: Exchange) -> Bool {
        if endpoint.worker.isDraining || service.isRetired { return false }
        let body = unsafe exchange.storage.pointee.body
        if body.hasEnded { return true }
        if body.owesContinue { return false }
        // Who has begun to read it may be expected to read it all, or tells that it will not (`leavesBodyUnread`).
        guard !body.hasBegun, let remaining = body.remaining else { return true }
        return remaining <= UInt64(service.limits.unreadBody)
    }

    /// What is to be known of a request before it is routed: whether its body may be so long, who asks, and its path.
    @inline(__always)
    final func settle(_ exchange: Exchange, _ head: RequestHead) throws(RequestRejection) {
        let storage = unsafe exchange.storage
        if let proxies = service.trustedProxies { try exchange.learnClient(from: proxies) }
        if head.form != .origin { try checkTarget(exchange, head) }
        let path = unsafe exchange.bytes(of: head.path)
        let hasPath = head.form == .origin || head.form == .absolute
        guard hasPath, unsafe !PathNormalizer.isNormal(path.bytes) else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: path.count + 1, alignment: 1)
        defer { unsafe buffer.deallocate() }
        let count = try unsafe PathNormalizer.normalize(path.bytes, into: buffer)
        unsafe storage.pointee.normalizedPath = Array(buffer[..<count])
    }

    /// Begins the body of a request, unless it is known to be too long.
    @inline(__always)
    final func beginBody(_ exchange: Exchange, _ head: RequestHead) throws(RequestRejection) {
        let storage = unsafe exchange.storage
        unsafe storage.pointee.body = RequestBody(head)
        let limit = service.limits.maximumBody
        if let length = unsafe storage.pointee.body.remaining, length > limit { throw .bodyTooLarge }
    }

    /// Refuses targets that no route of this listener can be meant by.
    @inline(never)
    private final func checkTarget(_ exchange: Exchange, _ head: RequestHead) throws(RequestRejection) {
        if head.form == .authority { throw .tunnelRequested }
        // A trusted proxy may have had the secure connection (RFC 9110 §7.4).
        guard head.form == .absolute, !stream.isSecure, exchange.trustedField == nil else { return }
        let target = unsafe exchange.bytes(of: head.target)
        if unsafe target.bytes.hasPrefix("https:", from: 0, to: target.count) { throw .insecureScheme }
    }

    /// How far a request has come: its head is not understood yet, no route has been found yet, or one answers.
    enum Stage {
        case parsing, routing, answering
    }

    /// Gives a request that cannot be trusted a small response.
    final func refuse(_ exchange: Exchange, _ rejection: RequestRejection, at stage: Stage) {
        let storage = unsafe exchange.storage
        unsafe storage.pointee.response = ResponseEncoder()
        unsafe storage.pointee.body = RequestBody()
        if stage == .parsing { unsafe storage.pointee.parser.abandon() }
        if stage != .answering { service.router.prepareRefusal(of: exchange) }
        exchange.refuse(rejection)
        let isUnderstood = stage != .parsing
        service.router.rejected(rejection, on: self, as: isUnderstood ? exchange.requestID : nil)
        service.observe(exchange)
    }

    /// Notes in the log why an exchange could not be brought to its end; its response stays as it is.
    final func noteGivenUp(_ exchange: Exchange, _ failure: ExchangeFailure) {
        exchange.noteFailure(failure)
        exchange.abandonResponse()
        if let reason = failure.reason {
            if exchange.logReason == nil { exchange.setLogReason(reason) }
            noteCut(failure, as: exchange.requestID)
        }
        service.observe(exchange)
    }
}
