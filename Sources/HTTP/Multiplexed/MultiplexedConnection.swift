import Transport

/// One client connection speaking HTTP/2: takes frames, has the requests in them answered, sends what the answers make.
///
/// The protocol's rules are those of `HTTP2Connection`, a value; here are the bytes, the time and the tasks. Its own task
/// reads and waits. A request that is answered at once is answered there; one that takes its time has a task of its own,
/// on the same worker. What all of them have written in a turn leaves at the turn's end, in one write.
@safe
package final class MultiplexedConnection: ClientConnection, TurnEndAction {
    let socket: Endpoint
    var http: HTTP2Connection
    /// Frames that have not left.
    var output = OutputBuffer()
    /// The last final head, as most responses of a connection have the same within a second.
    var lastHead = LastHead()
    /// Where the last head stands in the output.
    var writtenHead = 0
    /// Bytes received that are not whole frames, or that the output had no room to answer.
    var unread: [UInt8] = []
    /// The streams that have not been concluded, each in the place it has in `http.streams`.
    var active: [StreamConnection?] = []
    /// Streams concluded, for those to come.
    private var spare: [StreamConnection] = []
    /// Streams that have not been concluded, those that the client has reset included.
    private(set) var openCount = 0
    /// The one that was told to go on sending and has not done so yet.
    var granted: StreamConnection?
    /// Bytes of heads that the open streams hold.
    private var heldHeads = 0
    /// What this turn may still send before other connections have theirs.
    var turnRoom = bytesPerTurn
    private var isFlushDue = false
    var end = End.none
    var times = Times()
    /// Where a connection that is over waits for its last stream.
    var lastStreamSignal: StreamEndpoint?

    /// Content is taken from streams as long as less than this waits to leave: five full TLS records.
    static let outputHighWater = 80 << 10
    /// Beyond this nothing is read either, since it would have to be answered.
    static let readingHighWater = 160 << 10
    /// Bytes of heads that the streams of a connection may hold together; a request beyond them is to be sent again.
    private static let mostHeldHeads = 512 << 10
    private static let spareLimit = 32

    /// Why the connection goes on no more.
    enum End: Equatable {
        case none
        /// All that is to be said is in the output.
        case said
        /// Nothing can be said any more.
        case lost
    }

    package init(_ stream: any ByteStream, service: HTTPService) {
        socket = stream.endpoint
        http = HTTP2Connection(
            limits: service.http2Limits, now: Int64(stream.endpoint.worker.now.milliseconds))
        super.init(stream, waitingAt: stream.endpoint, service: service)
    }

    override func finishStream() {
        if !socket.hasFinishedSending { stream.finish() }
    }

    var now: Int64 { Int64(socket.worker.now.milliseconds) }

    // MARK: Requests

    /// Begins to answer the request whose head is in the assembly, or its refusal.
    func begin(_ reference: StreamReference, endsStream: Bool, refusedBy refusal: RequestRejection? = nil) {
        let request = service.requestAssembly
        let stream = rentStream()
        let exchange = service.rent(for: stream)
        let storage = unsafe exchange.storage
        stream.begin(reference, exchange, endsStream: endsStream)
        unsafe storage.pointee.beginRequest()
        unsafe storage.pointee.began = socket.worker.now
        unsafe storage.pointee.take(request.value)
        while active.count <= Int(reference.place) { active.append(nil) }
        active[Int(reference.place)] = stream
        openCount += 1
        heldHeads += unsafe storage.pointee.filled
        times.hasServed = true
        times.isTrimmed = false
        guard heldHeads <= Self.mostHeldHeads else {
            stream.resetCode = .refusedStream
            exchange.abandonResponse()
            return conclude(stream)
        }
        if let refusal {
            stream.refuse(exchange, refusal, at: .parsing)
            return serveAtOnce(stream, exchange, isObserved: true)
        }
        route(stream, exchange)
    }

    @inline(__always)
    private func route(_ stream: StreamConnection, _ exchange: Exchange) {
        let head = exchange.head
        do throws(RequestRejection) {
            if head.framing != .none { try stream.beginBody(exchange, head) }
            try stream.settle(exchange, head)
        } catch {
            stream.refuse(exchange, error, at: .routing)
            return serveAtOnce(stream, exchange, isObserved: true)
        }
        switch service.answer(exchange) {
        case .answered: serveAtOnce(stream, exchange, isObserved: false)
        case .refused(let rejection):
            stream.refuse(exchange, rejection, at: .answering)
            serveAtOnce(stream, exchange, isObserved: true)
        case .handler(let handler): start(stream, handler)
        }
    }

    /// Sends a response that is there; the rest of one that the client has no room for has a task.
    @inline(__always)
    private func serveAtOnce(_ stream: StreamConnection, _ exchange: Exchange, isObserved: Bool) {
        guard exchange.isResponseFinished, unsafe exchange.storage.pointee.errorRequest == nil,
            case .success(nil) = Result(catching: { () throws(ExchangeFailure) in try stream.sendNow(exchange) })
        else { return start(stream, nil) }
        if !isObserved { service.observe(exchange) }
        conclude(stream)
    }

    @inline(never)
    private func start(_ stream: StreamConnection, _ handler: (any RequestHandler)?) {
        stream.handler = handler
        if stream.resumeTask() { return }
        let work = Work(stream: stream)
        Task(executorPreference: socket.worker) { await work.stream.run() }
    }

    /// What a stream's task begins with; it runs on the same worker.
    private struct Work: @unchecked Sendable {
        let stream: StreamConnection
    }

    private func rentStream() -> StreamConnection {
        spare.popLast() ?? StreamConnection(self)
    }

    /// Ends a stream whose exchange is over, and takes both back.
    func conclude(_ stream: StreamConnection) {
        let (exchange, reference) = (stream.exchange, stream.reference)
        if isActive(stream) {
            active[Int(reference.place)] = nil
            if stream.phase != .ended {
                http.reset(reference, stream.resetCode, to: &output)
            } else if http.streams.contains(reference) {
                // The response is whole and the request is not (RFC 9113 §8.1).
                http.reset(reference, .noError, to: &output)
            }
        }
        if let exchange {
            heldHeads -= unsafe exchange.storage.pointee.headCount
            service.giveBack(exchange)
        }
        let left = stream.end()
        if left > 0 { http.useContent(left, of: reference, to: &output) }
        if granted === stream { granted = nil }
        stream.isKept = spare.count < Self.spareLimit && end == .none
        if stream.isKept { spare.append(stream) }
        openCount -= 1
        if openCount == 0 { becameIdle() }
        flushAtEndOfTurn()
    }

    /// Whether the stream is still one of the protocol's, and not reset by the client.
    func isActive(_ stream: StreamConnection) -> Bool {
        let place = Int(stream.reference.place)
        return place < active.count && active[place] === stream
    }

    /// The stream of a reference, unless it is concluded or gone.
    @inline(__always)
    func find(_ reference: StreamReference) -> StreamConnection? {
        let place = Int(reference.place)
        guard place < active.count, let stream = active[place], stream.reference == reference else { return nil }
        return stream
    }

    /// The stream is no longer one of the protocol's.
    func lose(_ reference: StreamReference) {
        guard let stream = find(reference) else { return }
        active[Int(reference.place)] = nil
        stream.hangUp()
    }

    private func becameIdle() {
        times.idleSince = socket.worker.now
        lastStreamSignal?.signalAtOnce()
        if http.isDraining || end != .none { socket.signalAtOnce() }
    }

    // MARK: Sending

    /// Has what is in the output leave when the tasks of this turn have run.
    func flushAtEndOfTurn() {
        guard !isFlushDue else { return }
        isFlushDue = true
        socket.worker.atEndOfTurn(self)
    }

    package func turnEnded() {
        isFlushDue = false
        turnRoom = Self.bytesPerTurn
        passOutput()
        if isBlocked, !awaitsRoom { socket.signalAtOnce() }
        grant()
    }

    /// Gives the stream of bytes what it takes.
    func passOutput() {
        while end != .lost {
            let result: IOResult
            if output.isEmpty {
                result = stream.flush()
                if case .bytes = result { return }
            } else {
                result = unsafe stream.write(output.unsent)
            }
            switch result {
            case .bytes(let count):
                output.sent(count)
                turnRoom -= count
                times.lastSent = socket.worker.now
            case .wouldBlock:
                isBlocked = true
                return
            case .end, .failed: return lost()
            }
        }
    }

    /// Whether the socket has no room for what is to leave, and whether the connection's task waits for that.
    var isBlocked = false
    var awaitsRoom = false

    /// Nothing reaches the client any more.
    func lost() {
        guard end != .lost else { return }
        end = .lost
        output.removeAll()
        hangUpStreams()
        socket.signalAtOnce()
    }

    func hangUpStreams() {
        for place in active.indices {
            guard let stream = active[place] else { continue }
            active[place] = nil
            stream.hangUp()
        }
    }

    /// Gives memory back that an idle connection does not need.
    func trim() {
        guard openCount == 0, output.isEmpty else { return }
        output = OutputBuffer()
        lastHead = LastHead()
        http.trim()
        active = []
        dismissSpare()
    }

    /// Ends the tasks of streams that wait for another request.
    func dismissSpare() {
        for stream in spare { stream.endTask() }
        spare = []
    }
}
