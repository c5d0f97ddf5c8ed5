import Memory
import Transport

/// One stream of an HTTP/2 connection, which the handler of its request uses as a connection.
///
/// An exchange writes its response in the text form of HTTP/1, without chunked coding; this class converts heads to
/// field blocks and the rest to DATA frames, as far as flow control and the scheduling of other streams allow. It is
/// reused for one stream after another.
@safe
final class StreamConnection: ClientConnection, EndpointKeeper, TurnEndAction {
    /// The connection that the stream is one of, and that outlives it.
    private let carrierReference: Unretained<MultiplexedConnection>
    let point: StreamEndpoint
    private(set) var reference = StreamReference(id: 0, place: 0)
    /// Nil between two streams.
    private(set) var exchange: Exchange?
    var phase = Phase.head
    /// Whether the stream is in the queue of those that want to send.
    var isQueued = false
    /// The error code of the RST_STREAM that is sent if the response is not completed.
    var resetCode = ErrorCode.internalError

    /// Received content of the request.
    private var content = ContentQueue()
    /// The number of its bytes that were last passed to the handler.
    private var shown = 0
    private var hasContentEnded = false
    private var trailers: [UInt8] = []

    /// The state of the response.
    enum Phase {
        case head, content
        /// END_STREAM has been sent.
        case ended
        /// Nothing can be sent any more.
        case gone
    }

    init(_ carrier: MultiplexedConnection) {
        unsafe carrierReference = Unretained(unchecked: carrier)
        point = StreamEndpoint(on: carrier.endpoint)
        super.init(carrier.stream, waitingAt: point, service: carrier.service)
    }

    /// Access without counting a reference.
    @inline(__always)
    func withCarrier<Result>(_ body: (MultiplexedConnection) -> Result) -> Result {
        carrierReference.with { body($0) }
    }

    /// Prepares for a stream.
    ///
    /// - Parameter endsStream: whether nothing of the request follows its head.
    func begin(_ reference: StreamReference, _ exchange: Exchange, endsStream: Bool) {
        self.reference = reference
        self.exchange = exchange
        phase = .head
        isQueued = false
        resetCode = .internalError
        shown = 0
        hasContentEnded = endsStream
        point.begin()
    }

    /// Ends the stream; returns the number of content bytes that have not been read.
    func end() -> Int {
        let left = content.count
        content.removeAll()
        exchange = nil
        if !trailers.isEmpty { trailers.removeAll() }
        point.close()
        return left
    }

    /// The stream was reset, or its connection has failed.
    func hangUp() {
        phase = .gone
        point.hangUp()
    }

    // MARK: The request's body

    /// Receives content from the connection.
    func receive(_ bytes: ByteView, endsStream: Bool) {
        content.append(bytes)
        if endsStream { hasContentEnded = true }
        point.noteReceived(bytes.count)
        point.mayRead = true
    }

    /// Receives the trailers, which end the request: lines each terminated by CRLF.
    func receive(trailers lines: ByteView) {
        trailers = Array(lines)
        hasContentEnded = true
        point.mayRead = true
    }

    override func receiveMore(_ exchange: Exchange) -> IOResult {
        if phase == .gone { return .failed(.reset) }
        return content.isEmpty && !hasContentEnded ? .wouldBlock(.readable) : .bytes(0)
    }

    override func nextFramedStep(_ exchange: Exchange) throws(ExchangeFailure) -> BodyStep {
        let storage = exchange.storage
        dropShown()
        if phase == .gone { throw .clientGone(.reset) }
        let piece = content.first
        guard !piece.isEmpty else {
            guard hasContentEnded else {
                point.mayRead = false
                return .receive
            }
            endBody(exchange)
            return .ended
        }
        do throws(RequestRejection) {
            try storage.value.body.take(piece.count, limit: exchange.bodyLimit)
        } catch {
            throw .rejected(error)
        }
        shown = piece.count
        if hasContentEnded && content.count == shown || storage.value.body.remaining == 0 { endBody(exchange) }
        return .content(piece)
    }

    private func dropShown() {
        guard shown > 0 else { return }
        content.drop(shown)
        withCarrier { $0.useContent(shown, of: reference) }
        shown = 0
    }

    private func endBody(_ exchange: Exchange) {
        exchange.storage.value.body.end()
        trailers.withBytes { text in
            var lines = FieldLines(text)
            while let line = lines.next() {
                takeTrailer(line.line.dropLast(2), exchange)
            }
        }
    }

    // MARK: The response

    override func flushNow(_ exchange: Exchange) throws(ExchangeFailure) -> Interest? { try sendNow(exchange) }

    override func pass(
        _ source: inout BodySource, upTo limit: Int, _ exchange: Exchange
    ) throws(ExchangeFailure) -> PassResult {
        try passNow(&source, upTo: limit, exchange)
    }

    override var sendsMapped: Bool { stream.pieceSize > 0 }

    /// Leaves the queue of the streams that want to send.
    override func leaveQueue() {
        if isQueued { withCarrier { $0.leaveQueue(self) } }
    }

    // MARK: Answering

    /// The handler of the request; nil if the response is complete and only has to be sent, because the client did not
    /// accept all of it at once.
    var handler: (any RequestHandler)?
    /// The request, if the handler has begun it before there is a task.
    private var begun: BegunRequest?
    /// Whether the request continues at the end of the turn.
    private var isWoken = false
    /// Whether this object may be reused for another stream.
    var isKept = false
    /// The continuation of the task while it waits for another request; its value is whether there is one.
    private var resting: UnsafeContinuation<Bool, Never>?

    // MARK: Without a task

    /// Has the handler begin the request, if its response is likely to be complete at the end of the turn.
    func begin(_ exchange: Exchange) -> Bool {
        guard exchange.hasBodyEnded, exchange.storage.value.namedClient == nil else { return false }
        begun = handler?.begin(exchange)
        guard begun != nil else { return false }
        point.keep(by: self)
        return true
    }

    /// Something has happened to the request, as the calling session or connection tells.
    func endpointWokeUp() {
        guard !isWoken else { return }
        isWoken = true
        endpoint.worker.atEndOfTurn(self)
    }

    func turnEnded() {
        isWoken = false
        guard let exchange else { preconditionFailure("a stream has an exchange") }
        point.stopKeeping()
        withCarrier { $0.proceed(self, exchange) }
    }

    /// Completes the response of the request that was begun, if that is possible now.
    func completeBegun(_ exchange: Exchange) -> Bool {
        // Moved, and not copied, so that no reference is counted.
        guard let handler = handler.take(), let request = begun.take() else { return false }
        if handler.complete(exchange, begun: request) { return true }
        self.handler = handler
        begun = request
        return false
    }

    // MARK: With a task

    /// Serves the request and those for which the object is reused; the task of the stream.
    func run() async {
        repeat {
            await serve()
            guard isKept else { return }
        } while await unsafe _unsafeInheritExecutor_withUnsafeContinuation { unsafe resting = $0 }
    }

    /// Resumes the task with another request; false if there is no task.
    func resumeTask() -> Bool {
        guard let continuation = unsafe resting else { return false }
        unsafe resting = nil
        unsafe continuation.resume(returning: true)
        return true
    }

    func endTask() {
        guard let continuation = unsafe resting else { return }
        unsafe resting = nil
        unsafe continuation.resume(returning: false)
    }

    /// Serves one request until the end of its response.
    private func serve() async {
        let handler = handler.take()
        guard let exchange else { preconditionFailure("a stream has an exchange") }
        do throws(ExchangeFailure) {
            if let handler { try await answer(exchange, by: handler) }
            if exchange.storage.value.errorRequest != nil { try await answerError(exchange) }
            if !exchange.isResponseFinished { exchange.abandonResponse() }
            try await flush(exchange)
            service.observe(exchange)
        } catch {
            await abandon(exchange, error)
        }
        withCarrier { $0.conclude(self) }
    }

    private func answer(_ exchange: Exchange, by handler: any RequestHandler) async throws(ExchangeFailure) {
        if exchange.storage.value.namedClient != nil, !countNamedClient(exchange) {
            throw .rejected(.tooManyConnections)
        }
        defer { if countedClient != nil { uncountNamedClient() } }
        if let request = begun.take() { return try await handler.handle(exchange, begun: request) }
        try await handler.handle(exchange)
    }

    @inline(never)
    private func abandon(_ exchange: Exchange, _ failure: ExchangeFailure) async {
        if case .rejected(let rejection) = failure, !exchange.isResponseBegun {
            refuse(exchange, rejection, at: .answering)
            do throws(ExchangeFailure) { try await flush(exchange) } catch { noteCut(error) }
            return
        }
        switch failure {
        case .rejected, .writeTimeout, .responseTooSlow, .responseTimeout: resetCode = .cancel
        case .clientGone, .aborted: break
        }
        logAborted(exchange, failure)
    }
}
