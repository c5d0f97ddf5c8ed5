@testable import HTTP
import Memory

/// A connection and a client that writes frames to it, for the tests.
struct TestConnection: ~Copyable {
    var connection: HTTP2Connection
    var request: RequestAssembly
    var output = OutputBuffer()
    var client = HPACKEncoder()
    var now: Int64 = 0
    private var unread: [UInt8] = []

    /// An event with what it refers to copied, since that is gone when the next one comes.
    enum Event: Equatable {
        case request(UInt32, ParsedRequest, ends: Bool)
        case refused(UInt32, RequestRejection)
        case malformed(UInt32, RequestRejection)
        case content(UInt32, [UInt8], ends: Bool)
        case trailers(UInt32, [String])
        case reset(UInt32, ErrorCode)
        case streamFailed(UInt32, HTTP2Fault)
        case writable
        case drainSeen
        case goAway(ErrorCode)
        case failed(HTTP2Fault)
    }

    init(limits: HTTP2Limits = HTTP2Limits(), isGreeted: Bool = true) {
        connection = HTTP2Connection(limits: SharedHTTP2Limits(limits), now: 0)
        request = RequestAssembly(limits: limits.head)
        connection.begin(to: &output)
        guard isGreeted else { return }
        _ = receive(Self.preface + Frame.settings([]))
        output.removeAll()
    }

    static var preface: [UInt8] { bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") }

    /// Takes bytes behind those that were not consumed; the events they give.
    mutating func receive(_ input: [UInt8]) -> [Event] {
        unread += input
        var events: [Event] = []
        let copy = OwnedBytes(unread)
        let input = copy.view
        let span = input.bytes
        var offset = 0
        while true {
            let event = connection.next(span, from: &offset, into: &request, output: &output, now: now)
            if event == .receive { break }
            events.append(copied(event))
            if case .failed = event { break }
        }
        unread.removeFirst(offset)
        return events
    }

    /// Takes bytes one by one.
    mutating func drip(_ input: [UInt8]) -> [Event] {
        var events: [Event] = []
        for byte in input {
            events += receive([byte])
            if case .failed? = events.last { break }
        }
        return events
    }

    private func copied(_ event: HTTP2Event) -> Event {
        switch event {
        case .receive: preconditionFailure("no event")
        case .request(let stream, let ends): .request(stream.id, ParsedRequest(request), ends: ends)
        case .refused(let stream, let rejection, _): .refused(stream.id, rejection)
        case .malformed(let id, let rejection): .malformed(id, rejection)
        case .content(let stream, let range, let ends): .content(stream.id, Array(unread[range]), ends: ends)
        case .trailers(let stream): .trailers(stream.id, request.fields.copied().map(\.description))
        case .reset(let stream, let code): .reset(stream.id, code)
        case .streamFailed(let stream, let fault): .streamFailed(stream.id, fault)
        case .writable: .writable
        case .drainSeen: .drainSeen
        case .goAway(let code): .goAway(code)
        case .failed(let fault): .failed(fault)
        }
    }

    /// The frames in the output, which is empty afterwards.
    mutating func sent() -> [Frame] {
        let bytes = Array(output.unsent)
        output.removeAll()
        return Frame.parse(bytes)
    }

    func reference(_ id: UInt32) -> StreamReference? { connection.streams.find(id) }

    /// HEADERS of a request, in one frame.
    mutating func headers(
        _ id: UInt32, _ fields: [(String, String)]? = nil, ends: Bool = true, extra: [(String, String)] = []
    ) -> [UInt8] {
        let block = client.block(of: ((fields ?? Self.get) + extra).map { TestField($0.0, $0.1) })
        return Frame(.headers, flags: (ends ? 1 : 0) | 4, id, block).bytes
    }

    static var get: [(String, String)] {
        [(":method", "GET"), (":scheme", "https"), (":path", "/a?b"), (":authority", "example.com")]
    }
    static var post: [(String, String)] {
        [(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "example.com")]
    }
}

/// What a test wants to know of a request, with every slice turned into text.
struct ParsedRequest: Equatable {
    var method: String
    var path: String
    var query: String?
    var authority: String
    var framing: BodyFraming
    var fields: [String]

    init(_ request: borrowing RequestAssembly) {
        let text = Array(request.fields.text)
        // As an exchange has it: taken into the parser of HTTP/1.
        var parser = RequestParser()
        parser.take(request)
        let head = parser.head
        method = text.text(head.methodToken)
        path = text.text(head.path)
        query = head.hasQuery ? text.text(head.query) : nil
        authority = text.text(head.authority)
        framing = head.framing
        fields = (0..<head.fieldCount).map { index in
            let field = parser.field(at: index)
            return "\(text.text(field.name)): \(text.text(field.value))"
        }
    }
}

/// A frame as a test writes and reads it.
struct Frame: Equatable {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    init(_ type: FrameType, flags: UInt8 = 0, _ stream: UInt32, _ payload: [UInt8]) {
        self.init(type.rawValue, flags: flags, stream, payload)
    }

    init(_ type: UInt8, flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) {
        self.type = type
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    var bytes: [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF), type, flags] + Self.number(stream)
            + payload
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    static func parse(_ bytes: [UInt8]) -> [Frame] {
        var frames: [Frame] = []
        var at = 0
        while at < bytes.count {
            let count = Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2])
            let stream = bytes[at + 5..<at + 9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(Frame(bytes[at + 3], flags: bytes[at + 4], stream, Array(bytes[at + 9..<at + 9 + count])))
            at += 9 + count
        }
        return frames
    }

    static func settings(_ settings: [(UInt16, UInt32)]) -> [UInt8] {
        Frame(.settings, 0, settings.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 0xFF)] + number($0.1) }).bytes
    }
    static func data(_ id: UInt32, _ content: [UInt8], ends: Bool = false) -> [UInt8] {
        Frame(.data, flags: ends ? 1 : 0, id, content).bytes
    }
    static func windowUpdate(_ id: UInt32, _ increment: UInt32) -> [UInt8] {
        Frame(.windowUpdate, id, number(increment)).bytes
    }
    static func reset(_ id: UInt32, _ code: ErrorCode = .cancel) -> [UInt8] {
        Frame(.resetStream, id, number(code.rawValue)).bytes
    }
    static func reset(frame id: UInt32, _ code: ErrorCode) -> Frame { Frame(.resetStream, id, number(code.rawValue)) }
    static var ping: [UInt8] { Frame(.ping, 0, [1, 2, 3, 4, 5, 6, 7, 8]).bytes }
}

extension TestConnection {
    /// Answers a request with 204.
    mutating func respond(_ id: UInt32) {
        let stream = reference(id)!
        let head = connection.beginHead(status: 204, of: stream, to: &output)!
        connection.endHead(at: head, of: stream, endsStream: true, to: &output)
    }
}
