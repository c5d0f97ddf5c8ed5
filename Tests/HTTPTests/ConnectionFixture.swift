import Memory
import Synchronization
import TestSupport

@testable import HTTP
@testable import Transport

/// Serves one connection while `body` plays the client.
///
/// - Parameters:
///   - pieces: what the first reads of the connection bring, before those of the socket.
///   - mappings: the files that are sent from memory.
///   - filter: what all responses go through.
func withConnection(
    limits: ConnectionLimits = ConnectionLimits(), receiving pieces: [[UInt8]] = [], file: TestFile? = nil,
    mappings: FileMappings? = nil, filter: (any ResponseFilter & Sendable)? = nil,
    _ body: (Peer, TestServer) async throws -> Void
) async throws {
    let (descriptor, peer) = socketPair()
    try await withWorker(mappings: mappings) { worker in
        let server = TestServer(worker, limits, pieces, file, filter)
        worker.perform { _ in server.open(descriptor) }
        try await body(peer, server)
    }
}

/// A connection and its router, which answers by path:
///
///     /fast     at once
///     /slow     after a wait of `TestServer.slowness`
///     /echo     with the body of the request
///     /half     with the first half of a response
///     /short    with less than its Content-Length
///     /flushed  with three pieces, the first flushed, of a body whose length is not told
///     /tail     at once, by a flush after which the stream still has the end
///     /silent   not at all
///     /file     with the file, whose length it tells
///     /pieces   with the file, without its length
///     /head     with the head of the request
///     /ask      by /echo, for a body "asked"
///     /forward  by /echo, for "more " and the body of the request
///     /replace  by /head, with a field of its own
///     /loop     by itself
///     /refused  by a path that is none, and then with the name of the refusal
///     /memory   with the content of the file, from memory
final class TestServer: RequestRouter, RequestHandler, @unchecked Sendable {
    static let slowness = Delay.milliseconds(60)

    let worker: Worker
    private let limits: ConnectionLimits
    private let pieces: [[UInt8]]
    private let file: TestFile?
    private let filter: (any ResponseFilter & Sendable)?
    private let fast = FixedResponse(status: 200, body: bytes("fast\n"))
    private let record = Mutex(Record())

    struct Record {
        /// Sizes of the writes to the client.
        var writes: [Int] = []
        /// Paths of the requests that were answered.
        var finished: [String] = []
        var rejected: [RequestRejection] = []
        /// Why responses were cut off.
        var cut: [String] = []
    }

    init(
        _ worker: Worker, _ limits: ConnectionLimits, _ pieces: [[UInt8]], _ file: TestFile? = nil,
        _ filter: (any ResponseFilter & Sendable)? = nil
    ) {
        self.worker = worker
        self.limits = limits
        self.pieces = pieces
        self.file = file
        self.filter = filter
    }

    func open(_ descriptor: Int32) {
        let endpoint = Endpoint.open(descriptor, on: worker)
        Task(executorPreference: worker) {
            let stream = TestStream(
                endpoint, self.pieces, sendsFiles: self.file?.isSentByKernel ?? false, record: self.note)
            let service = HTTPService(worker: self.worker, limits: self.limits, router: self)
            await HTTPConnection(stream, service: service).serve()
        }
    }

    /// What happened so far, as the worker knows it.
    func recorded() async throws -> Record {
        try await worker.run { self.record.withLock { $0 } }
    }

    private func note(write count: Int) {
        record.withLock { $0.writes.append(count) }
    }

    // MARK: Routing

    func answer(_ exchange: Exchange) -> Disposition {
        if let filter { exchange.attach(filter) }
        guard path(of: exchange) == "/fast" else { return .handler(self) }
        exchange.respond(fast)
        return .answered
    }

    func answer(_ exchange: Exchange, passing passed: [any RequestHandler]) -> Disposition {
        guard passed.isEmpty else { return .answered }
        return answer(exchange)
    }

    func prepareRefusal(of exchange: Exchange) {}

    var observesExchanges: Bool { true }

    func finished(_ exchange: Exchange) {
        let path = path(of: exchange)
        record.withLock { $0.finished.append(path) }
    }

    func switched(_ exchange: Exchange) -> (any SuccessionObserver)? { nil }

    func ended(_ fault: HTTP2Fault, on connection: ClientConnection) {
        record.withLock { $0.cut.append("\(fault.reason)") }
    }

    func cut(_ reason: StaticString, on connection: ClientConnection, as id: RequestID?) {
        record.withLock { $0.cut.append("\(reason)") }
    }

    func rejected(_ rejection: RequestRejection, on connection: ClientConnection, as id: RequestID?) {
        record.withLock { $0.rejected.append(rejection) }
    }

    private func path(of exchange: Exchange) -> String {
        exchange.withPath { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Handling

    func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        switch path(of: exchange) {
        case "/tail":
            respond(exchange, with: bytes("head and tail"))
            _ = try exchange.flushNow(whole: true)
        case "/slow":
            _ = await exchange.connection.endpoint.wait(for: .signal, until: worker.now.advanced(by: Self.slowness))
            respond(exchange, with: bytes("slow\n"))
        case "/echo":
            var body: [UInt8] = []
            while let piece = try await exchange.readBody() { body.append(contentsOf: piece) }
            respond(exchange, with: body)
        case "/head":
            respond(exchange, with: Array(exchange.headBytes))
        case "/ask", "/forward", "/replace", "/loop", "/refused":
            try await ask(exchange)
        case "/half":
            exchange.beginResponse(status: 200, fields: noFields, length: .unknown)
            write(bytes("half"), to: exchange)
        case "/short":
            exchange.beginResponse(status: 200, fields: noFields, length: .known(9))
            write(bytes("short"), to: exchange)
            exchange.finish()
        case "/flushed":
            exchange.beginResponse(status: 200, fields: noFields, length: .unknown)
            write(bytes("one "), to: exchange)
            try await exchange.flush()
            write(bytes("two "), to: exchange)
            write(bytes("three\n"), to: exchange)
            exchange.finish()
        case "/file", "/pieces":
            guard let file else { return }
            let length: BodyLength = path(of: exchange) == "/file" ? .known(UInt64(file.promised)) : .unknown
            exchange.beginResponse(status: 200, fields: noFields, length: length)
            guard try await exchange.sendFile(file.open, from: 0, count: UInt64(file.promised)) else { return }
            exchange.finish()
        case "/memory":
            guard let file else { return }
            exchange.beginResponse(status: 200, fields: noFields, length: .known(UInt64(file.content.count)))
            let copy = OwnedBytes(file.content)
            try await exchange.send(copy.view)
            exchange.finish()
        default: break
        }
    }

    private func ask(_ exchange: Exchange) async throws(ExchangeFailure) {
        let path = path(of: exchange)
        var request = InternalRequest()
        switch path {
        case "/ask":
            request = InternalRequest(method: bytes("POST"), target: bytes("/echo"))
            request.entity = .bytes(bytes("asked"))
        case "/forward":
            request.target = bytes("/echo")
            request.entity = .unread(behind: bytes("more "))
        case "/replace":
            request.target = bytes("/./head")
            request.fields = .replaced(bytes("X-Own: 1\r\nContent-Length: 9\n"))
        case "/refused": request.target = bytes("/../x")
        default: break
        }
        switch try await exchange.answer(as: request, for: self) {
        case .answered: break
        case .refused(let rejection): respond(exchange, with: bytes("\(rejection)\n"))
        case .tooDeep: respond(exchange, with: bytes("too deep\n"))
        }
    }

    private func respond(_ exchange: Exchange, with body: [UInt8]) {
        exchange.beginResponse(status: 200, fields: noFields, length: .known(UInt64(body.count)))
        write(body, to: exchange)
        exchange.finish()
    }

    private func write(_ body: [UInt8], to exchange: Exchange) {
        body.withBytes { _ = exchange.write($0) }
    }

    private var noFields: ByteView { ByteView() }
}

/// A plain connection whose first reads are given, and whose writes are recorded.
private final class TestStream: ByteStream {
    let endpoint: Endpoint
    private var pieces: ArraySlice<[UInt8]>
    let sendsFiles: Bool
    private let record: (Int) -> Void
    /// The end of what was written for `/tail`, which leaves with the second flush.
    private var tail: [UInt8] = []
    private var isBusy = false

    init(_ endpoint: Endpoint, _ pieces: [[UInt8]], sendsFiles: Bool, record: @escaping (Int) -> Void) {
        self.endpoint = endpoint
        self.pieces = pieces[...]
        self.sendsFiles = sendsFiles
        self.record = record
    }

    func read(into buffer: MutableByteView) -> IOResult {
        guard let piece = pieces.popFirst() else { return endpoint.receive(into: buffer) }
        let count = min(piece.count, buffer.count)
        piece[..<count].withBytes { buffer.copy($0) }
        if count < piece.count { pieces = [Array(piece[count...])] + pieces }
        return count == 0 ? .end : .bytes(count)
    }

    func write(_ bytes: ByteView, isMoreComing: Bool) -> IOResult {
        record(bytes.count)
        guard bytes.suffix(4).elementsEqual("tail".utf8) else { return endpoint.send(bytes) }
        tail = Array(bytes.suffix(4))
        isBusy = true
        _ = endpoint.send(bytes.dropLast(4))
        return .bytes(bytes.count)
    }

    func sendFile(_ file: OpenFile, from offset: UInt64, count: Int) -> IOResult? {
        endpoint.sendFile(file, from: offset, count: count)
    }

    func flush() -> IOResult {
        guard !isBusy else {
            isBusy = false
            return .wouldBlock(.writable)
        }
        if !tail.isEmpty { _ = tail.withBytes { endpoint.send($0) } }
        tail = []
        return .bytes(0)
    }

    func finish() { endpoint.finishSending() }
    var security: SecurityDescription? { nil }
    let isSecure = false
}

/// A request without a body.
func get(_ path: String, _ fields: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
}

func post(_ path: String, _ fields: String, _ body: String = "") -> String {
    "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)"
}

/// Responses without what differs from run to run or says nothing: their Date and Server fields.
func stable(_ responses: String?) -> String? {
    responses?.split(separator: "\r\n", omittingEmptySubsequences: false)
        .filter { !$0.hasPrefix("Date: ") && !$0.hasPrefix("Server: ") }
        .joined(separator: "\r\n")
}

/// A response with status 200 as `stable` leaves it.
func ok(_ body: String, _ fields: String = "") -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}
