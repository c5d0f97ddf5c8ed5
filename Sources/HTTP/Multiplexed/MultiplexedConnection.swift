import Transport

/// A client connection that uses HTTP/2: receives frames, has their requests answered, and sends the responses.
///
/// `HTTP2Connection`, a value type, implements the rules of the protocol; this class adds input and output, timeouts
/// and tasks. Its own task reads and waits. A request that is answered immediately is answered by that task; one that
/// takes longer than a turn has a task of its own, on the same worker. Everything that these tasks have written in a turn is sent at
/// the end of the turn, in one write.
@safe
package final class MultiplexedConnection: ClientConnection, TurnEndAction {
    let socket: Endpoint
    var http: HTTP2Connection
    /// Frames that have not been sent.
    var output = OutputBuffer()
    private let outputs: OutputPool
    /// The last final head: most responses of a connection within a second have the same head.
    var lastHead = LastHead()
    /// The position of the last head in the output.
    var writtenHead = 0
    /// Received bytes that are not complete frames, or for whose answers the output had no room.
    var unread: [UInt8] = []
    /// The streams that have not been concluded, each at its index in `http.streams`.
    var active: [StreamConnection?] = []
    /// Concluded streams, for reuse.
    private var spare: [StreamConnection] = []
    /// The number of streams that have not been concluded, including those that the client has reset.
    private(set) var openCount = 0
    /// The stream that has been resumed to send and has not sent anything yet.
    var granted: StreamConnection?
    /// The size in bytes of the heads that the open streams keep.
    private var heldHeads = 0
    /// What this turn may still send before other connections are served.
    var turnRoom = bytesPerTurn
    private var isFlushDue = false
    var end = End.none
    var times = Times()
    /// The endpoint on which a finished connection waits for its last stream.
    var lastStreamSignal: StreamEndpoint?

    /// The limit of unsent output below which streams may add content: five full TLS records.
    static let outputHighWater = 80 << 10
    /// The limit of unsent output beyond which nothing is read, since reading produces frames in response.
    static let readingHighWater = 160 << 10
    /// The limit of the size of all heads that a connection's streams keep; the client has to retry a request beyond
    /// it.
    private static let mostHeldHeads = 288 << 10
    private static let spareLimit = 32

    /// Why the connection ends.
    enum End: Equatable {
        case none
        /// All final frames are in the output.
        case closed
        /// Nothing can be sent any more.
        case failed
    }

    package init(_ stream: any ByteStream, service: HTTPService) {
        socket = stream.endpoint
        outputs = stream.endpoint.worker.companion { OutputPool() }
        http = HTTP2Connection(
            limits: service.http2Limits, now: Int64(stream.endpoint.worker.now.milliseconds))
        super.init(stream, waitingAt: stream.endpoint, service: service)
    }

    override func finishStream() {
        if !socket.hasFinishedSending { stream.finish() }
    }

    var now: Int64 { Int64(socket.worker.now.milliseconds) }

    // MARK: Requests

    /// Starts answering the request in the assembly, or sends the response for its rejection.
    func begin(_ reference: StreamReference, endsStream: Bool, refusedBy refusal: RequestRejection? = nil) {
        let request = service.requestAssembly
        let stream = rentStream()
        let exchange = service.rent(for: stream)
        let storage = exchange.storage
        stream.begin(reference, exchange, endsStream: endsStream)
        storage.value.beginRequest()
        storage.value.began = socket.worker.now
        storage.value.take(request.value)
        while active.count <= Int(reference.place) { active.append(nil) }
        active[Int(reference.place)] = stream
        openCount += 1
        heldHeads += storage.value.filled
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
            try stream.prepareRouting(exchange, head)
        } catch {
            stream.refuse(exchange, error, at: .routing)
            return serveAtOnce(stream, exchange, isObserved: true)
        }
        switch service.answer(exchange) {
        case .answered: serveAtOnce(stream, exchange, isObserved: false)
        case .refused(let rejection):
            stream.refuse(exchange, rejection, at: .answering)
            serveAtOnce(stream, exchange, isObserved: true)
        case .handler(let handler):
            stream.handler = handler
            if !stream.begin(exchange) { startTask(of: stream) }
        }
    }

    /// Sends the response of a request that was begun without a task, or starts the task that completes it.
    func proceed(_ stream: StreamConnection, _ exchange: Exchange) {
        guard stream.completeBegun(exchange) else { return startTask(of: stream) }
        serveAtOnce(stream, exchange, isObserved: false)
    }

    /// Sends a response that is complete; a task sends the rest if the client has no room for all of it.
    @inline(__always)
    private func serveAtOnce(_ stream: StreamConnection, _ exchange: Exchange, isObserved: Bool) {
        guard exchange.isResponseFinished, exchange.storage.value.errorRequest == nil,
            case .success(nil) = Result(catching: { () throws(ExchangeFailure) in try stream.sendNow(exchange) })
        else { return startTask(of: stream) }
        if !isObserved { service.observe(exchange) }
        conclude(stream)
    }

    @inline(never)
    private func startTask(of stream: StreamConnection) {
        if stream.resumeTask() { return }
        let work = Work(stream: stream)
        Task(executorPreference: socket.worker) { await work.stream.run() }
    }

    /// The argument of a stream's task, which runs on the same worker.
    private struct Work: @unchecked Sendable {
        let stream: StreamConnection
    }

    private func rentStream() -> StreamConnection {
        spare.popLast() ?? StreamConnection(self)
    }

    /// Ends a stream whose exchange is over, and returns both for reuse.
    func conclude(_ stream: StreamConnection) {
        let (exchange, reference) = (stream.exchange, stream.reference)
        if isActive(stream) {
            active[Int(reference.place)] = nil
            if stream.phase != .ended {
                http.reset(reference, stream.resetCode, to: &output)
            } else if http.streams.contains(reference) {
                // The response is complete and the request is not (RFC 9113 §8.1).
                http.reset(reference, .noError, to: &output)
            }
        }
        if let exchange {
            heldHeads -= exchange.storage.value.headCount
            service.giveBack(exchange, keepingUpTo: HTTPService.busySpareLimit)
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

    /// Whether the protocol still has the stream, that is, the client has not reset it.
    func isActive(_ stream: StreamConnection) -> Bool {
        let place = Int(stream.reference.place)
        return place < active.count && active[place] === stream
    }

    /// The stream of a reference, unless it has been concluded or reset.
    @inline(__always)
    func find(_ reference: StreamReference) -> StreamConnection? {
        let place = Int(reference.place)
        guard place < active.count, let stream = active[place], stream.reference == reference else { return nil }
        return stream
    }

    /// Removes a stream that the protocol no longer has.
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

    /// Sends the output after the tasks of this turn have run.
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
        coolOutput()
    }

    /// Makes sure that the output has memory that another connection has used just before, if there is any.
    @inline(__always)
    func warmOutput() { outputs.lend(&output) }

    /// Gives the memory of an empty output back.
    @inline(__always)
    func coolOutput() {
        if output.isEmpty { outputs.takeBack(&output) }
    }

    /// Writes as much of the output as the byte stream accepts.
    func passOutput() {
        while end != .failed {
            let result: IOResult
            if output.isEmpty {
                result = stream.flush()
                if case .bytes = result { return }
            } else {
                result = stream.write(output.unsent)
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

    /// Whether the socket has no room for the output, and whether the connection's task waits for room.
    var isBlocked = false
    var awaitsRoom = false

    /// Called when nothing can be sent to the client any more.
    func lost() {
        guard end != .failed else { return }
        end = .failed
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

    /// Releases memory that an idle connection does not need.
    func trim() {
        guard openCount == 0, output.isEmpty else { return }
        coolOutput()
        lastHead = LastHead()
        http.trim()
        active = []
        dismissSpare()
        service.trim()
    }

    /// Ends the stream tasks that wait for another request.
    func dismissSpare() {
        for stream in spare { stream.endTask() }
        spare = []
    }
}
