import HTTP
import Memory
import Transport

/// One response of HTTP/1.1 (RFC 9112) on a connection that the calling thread waits on: the head first, then the body
/// in pieces as they come, or as a whole.
final class BlockingResponse {
    /// What comes next of a body.
    enum Piece: Equatable {
        case data([UInt8])
        case end
        /// Nothing has come in time; the response goes on.
        case late
    }

    let status: Int
    /// May be empty.
    let phrase: String
    /// In the order received, with names in lower case.
    let fields: [(name: String, value: String)]

    private let connection: BlockingConnection
    private let framing: ResponseFraming
    /// Received after what was returned.
    private var received: [UInt8]
    private var decoder = ChunkedDecoder()
    /// Bytes of a body with a length that have not been returned.
    private var rest: UInt64 = 0
    private var hasEnded = false

    /// Waits for the head of the final response.
    ///
    /// - Parameters:
    ///   - interimLimit: how many interim responses may come before it.
    ///   - isHead: whether the request method was HEAD.
    init(
        from connection: BlockingConnection, limits: HeadLimits, interimLimit: Int, isHead: Bool = false
    ) throws(ConnectionFailure) {
        var parser = ResponseParser(limits: limits)
        var received: [UInt8] = []
        var interims = 0
        while true {
            while try !Self.parse(&parser, received, isHead: isHead) {
                let bytes = try connection.receive()
                guard !bytes.isEmpty else { throw .broken("the connection ended before the response") }
                received += bytes
            }
            guard parser.head.isInterim else { break }
            interims += 1
            guard interims <= interimLimit else { throw .unsuitable("too many interim responses") }
            received.removeFirst(parser.head.length)
            parser.reset()
        }
        let head = parser.head
        status = head.status
        phrase = received.withBytes { String(decoding: $0[head.reason.range], as: UTF8.self) }
        var fields: [(name: String, value: String)] = []
        for index in 0..<head.fieldCount {
            let field = parser.fields[index]
            fields.append(
                received.withBytes { bytes in
                    (
                        String(decoding: bytes[field.name.range], as: UTF8.self).lowercased(),
                        String(decoding: bytes[field.value.range], as: UTF8.self)
                    )
                })
        }
        self.fields = fields
        framing = head.framing
        if case .length(let length) = head.framing { rest = length }
        received.removeFirst(head.length)
        self.received = received
        self.connection = connection
    }

    private static func parse(
        _ parser: inout ResponseParser, _ received: [UInt8], isHead: Bool
    ) throws(ConnectionFailure) -> Bool {
        do throws(ResponseRejection) {
            return try parser.parse(received.span.rawBytes, toHEAD: isHead)
        } catch {
            throw .unsuitable("a response that is none of HTTP/1.1: \(error.reason)")
        }
    }

    // MARK: The body

    /// The next bytes of the body, waited for until a time.
    ///
    /// After `late` it can be called again.
    func next(until time: Deadline) throws(ConnectionFailure) -> Piece {
        while !hasEnded {
            if let bytes = try takeReceived() { return .data(bytes) }
            if hasEnded { break }
            guard let bytes = try connection.receive(until: time) else { return .late }
            if bytes.isEmpty {
                guard case .untilClose = framing else { throw .broken("the response is cut") }
                hasEnded = true
            }
            received += bytes
        }
        return .end
    }

    /// The whole body, waited for until the connection's deadline.
    ///
    /// - Parameter limit: a longer one is an error.
    func readBody(limit: Int) throws(ConnectionFailure) -> [UInt8] {
        let tooLong = ConnectionFailure.unsuitable("a document of more than \(limit) bytes")
        if rest > UInt64(limit) { throw tooLong }
        var body: [UInt8] = []
        while true {
            switch try next(until: connection.deadline) {
            case .data(let bytes):
                body += bytes
                guard body.count <= limit else { throw tooLong }
            case .end: return body
            case .late: throw .broken("no response in time")
            }
        }
    }

    /// Bytes of the body that have been received; nil if more have to be, or none follow.
    private func takeReceived() throws(ConnectionFailure) -> [UInt8]? {
        switch framing {
        case .none: hasEnded = true
        case .length:
            let count = min(UInt64(received.count), rest)
            rest -= count
            hasEnded = rest == 0
            return take(Int(count))
        case .untilClose: return take(received.count)
        case .chunked:
            while !hasEnded {
                switch try decodeChunks() {
                case .data(let range):
                    let bytes = Array(received[range])
                    received.removeFirst(range.upperBound)
                    return bytes
                case .trailer(let range): received.removeFirst(range.upperBound + 2)
                case .end(let consumed):
                    received.removeFirst(consumed)
                    hasEnded = true
                case .needsMore(let consumed):
                    received.removeFirst(consumed)
                    return nil
                }
            }
        }
        return nil
    }

    private func take(_ count: Int) -> [UInt8]? {
        if count == 0 { return nil }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    private func decodeChunks() throws(ConnectionFailure) -> ChunkedDecoder.Step {
        let bytes = received
        do throws(RequestRejection) {
            return try decoder.decode(bytes.span.rawBytes)
        } catch {
            throw .unsuitable("a response in chunks that are none")
        }
    }
}
