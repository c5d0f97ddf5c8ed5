import HTTP
import Memory

/// Codes the body of one response.
///
/// The body is held back until it is complete or has to be sent. A complete body is coded in one step, and its coded
/// length declared; otherwise it is coded in pieces, and each flush outputs everything that was written before it.
final class ContentCoder: BodyCoder {
    private enum Stage {
        case holding
        case streaming(CodingStream)
        /// Sent uncoded.
        case plain
        case over
    }

    private unowned let pool: CompressionPool
    private var stage = Stage.holding
    private var held: [UInt8] = []
    /// The bytes of `held` that count towards the pool's limit.
    private var claimed = 0
    /// Field lines that depend on whether the body is finally coded.
    private var deferred: [UInt8] = []
    private var request = CodingRequest()
    /// Whether the stream has input that has not been output by a flush.
    private var isUnflushed = false

    /// Bytes that may be held back until the body is complete.
    private static let heldLimit = 256 << 10
    /// Bytes that are coded in one step if they are written in one call; more would block the worker for too long.
    private static let wholeLimit = 1 << 20
    private static let keptCapacity = 64 << 10

    init(_ pool: CompressionPool) {
        self.pool = pool
    }

    func begin(_ request: CodingRequest) {
        self.request = request
        stage = .holding
        isUnflushed = false
    }

    /// Keeps a field line until it is known whether the body is coded.
    func deferField(_ line: ByteView) {
        deferred.append(contentsOf: line)
    }

    // MARK: The body

    func write(_ bytes: ByteView, to response: ResponseSink) {
        switch stage {
        case .holding: hold(bytes, response)
        case .streaming(let stream):
            put(bytes, .collect, through: stream, response)
            isUnflushed = true
        case .plain: response.write(bytes)
        case .over: break
        }
    }

    func flush(to response: ResponseSink) {
        switch stage {
        case .holding:
            if let length = request.length, length == UInt64(held.count) { return codeHeld(response) }
            startStreaming(response)
            flush(to: response)
        case .streaming(let stream):
            guard isUnflushed else { return }
            put(ByteView(), .flush, through: stream, response)
            isUnflushed = false
        case .plain, .over: break
        }
    }

    func finish(to response: ResponseSink) {
        switch stage {
        case .holding where request.isHead && held.isEmpty:
            // The handler omitted the body. For GET the length of a body coded as a whole is declared.
            endHead(coded: true, request.length == nil ? .unknown : .undeclared, response)
        case .holding where held.count < request.minimumSize:
            endHead(coded: false, .known(UInt64(held.count)), response)
            held.withBytes { bytes in response.write(bytes) }
        case .holding: codeHeld(response)
        case .streaming(let stream):
            put(ByteView(), .finish, through: stream, response)
        case .plain, .over: break
        }
        leave(for: .over)
    }

    func release() {
        leave(for: .over)
        held.removeAll(keepingCapacity: held.capacity <= Self.keptCapacity)
        pool.release(claimed)
        claimed = 0
        deferred.removeAll(keepingCapacity: true)
        pool.giveBack(self)
    }

    private func hold(_ bytes: ByteView, _ response: ResponseSink) {
        let isWhole = held.isEmpty && request.length == UInt64(bytes.count) && bytes.count <= Self.wholeLimit
        if isWhole { return codeWhole(bytes, response) }
        if held.count + bytes.count <= Self.heldLimit, pool.claim(bytes.count) {
            claimed += bytes.count
            held.append(contentsOf: bytes)
        } else {
            startStreaming(response)
            write(bytes, to: response)
        }
    }

    // MARK: Coding

    private func codeHeld(_ response: ResponseSink) {
        held.withBytes { bytes in codeWhole(bytes, response) }
    }

    private func codeWhole(_ bytes: ByteView, _ response: ResponseSink) {
        let coded = pool.codeWhole(bytes, request.coding, level: request.level)
        let body = coded ?? bytes
        endHead(coded: coded != nil, .known(UInt64(body.count)), response)
        response.write(body)
        leave(for: .over)
    }

    /// Codes the held bytes and continues in pieces.
    private func startStreaming(_ response: ResponseSink) {
        if let stream = pool.takeStream(request.coding, level: request.level) {
            endHead(coded: true, .unknown, response)
            stage = .streaming(stream)
        } else {
            endHead(coded: false, request.length.map { .known($0) } ?? .unknown, response)
            stage = .plain
        }
        held.withBytes { bytes in
            if bytes.count > 0 { write(bytes, to: response) }
        }
        held.removeAll(keepingCapacity: true)
    }

    private func put(
        _ bytes: ByteView, _ step: CodingStep, through stream: CodingStream, _ response: ResponseSink
    ) {
        var rest = bytes
        while true {
            let progress = stream.code(rest, step, into: pool.room.room)
            if progress.produced > 0 {
                response.write(pool.room.view[..<progress.produced])
            }
            if progress.isDone { return }
            rest = rest[progress.consumed...]
        }
    }

    private func leave(for next: Stage) {
        if case .streaming(let stream) = stage { pool.giveBack(stream) }
        stage = next
    }

    // MARK: The head

    private func endHead(coded: Bool, _ length: BodyLength, _ response: ResponseSink) {
        deferred.withBytes { lines in
            if coded {
                CodedFields.rewrite(lines) { response.appendFields($0) }
            } else {
                response.appendFields(lines)
            }
        }
        if coded {
            response.appendFields("Content-Encoding: ")
            response.appendFields(request.coding.token)
            response.appendFields("\r\n")
            response.noteCoding(request.coding.token)
        }
        response.endHead(length)
    }
}

/// The properties of a response that a coder needs.
struct CodingRequest {
    var coding = ContentCoding.gzip
    var level = 1
    /// A body that turns out to be shorter is sent uncoded.
    var minimumSize = 0
    /// The body's length before coding, if it is known.
    var length: UInt64?
    var isHead = false
}

/// Rewrites fields that describe the uncoded content for the coded one.
enum CodedFields {
    /// Whether the field contains something that coding changes.
    static func concern(_ field: FieldLine) -> Bool {
        switch field.name.count {
        case 4: field.isNamed("etag")
        case 13: field.isNamed("accept-ranges")
        case 16: field.isNamed("content-encoding")
        default: false
        }
    }

    /// Passes on the lines as they apply to the coded content.
    ///
    /// Entity tags become weak, because the coded content is different byte for byte (RFC 9110 §8.8.1). Lines that do
    /// not apply are left out: ranges would count bytes of the uncoded content.
    static func rewrite(_ lines: ByteView, _ put: (ByteView) -> Void) {
        var fields = FieldLines(lines)
        while let field = fields.next() {
            guard concern(field) else {
                put(field.line)
                continue
            }
            guard field.isNamed("etag") else { continue }
            let name: StaticString = field.value.first == UInt8(ascii: "\"") ? "ETag: W/" : "ETag: "
            put(ByteView(name))
            put(field.value)
            put(field.line[(field.line.count - 2)...])
        }
    }
}
