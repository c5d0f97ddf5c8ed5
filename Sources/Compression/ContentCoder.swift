import HTTP

/// Codes the body of one response.
///
/// The body is held back until it is whole or has to leave. A whole body is coded at once, and its coded length told;
/// otherwise it is coded piece by piece, and each flush brings out all that was written before it.
final class ContentCoder: BodyCoder {
    private enum Stage {
        case holding
        case streaming(CodingStream)
        /// Sent as it is.
        case plain
        case over
    }

    private unowned let pool: CompressionPool
    private var stage = Stage.holding
    private var held: [UInt8] = []
    /// What of `held` the pool counts.
    private var claimed = 0
    /// Field lines that depend on whether the body is coded in the end.
    private var deferred: [UInt8] = []
    private var request = CodingRequest()
    /// Whether the stream has bytes that a flush has not brought out.
    private var isUnflushed = false

    /// Bytes that may wait until the body is whole.
    private static let heldLimit = 256 << 10
    /// Bytes that are coded at once when they come at once; more would keep the worker from others.
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

    /// Keeps a field line until it is clear whether the body is coded.
    func deferField(_ line: UnsafeRawBufferPointer) {
        unsafe deferred.append(contentsOf: line)
    }

    // MARK: The body

    func write(_ bytes: UnsafeRawBufferPointer, to response: ResponseSink) {
        switch stage {
        case .holding: unsafe hold(bytes, response)
        case .streaming(let stream):
            unsafe put(bytes, .collect, through: stream, response)
            isUnflushed = true
        case .plain: unsafe response.write(bytes)
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
            unsafe put(UnsafeRawBufferPointer(start: nil, count: 0), .flush, through: stream, response)
            isUnflushed = false
        case .plain, .over: break
        }
    }

    func finish(to response: ResponseSink) {
        switch stage {
        case .holding where request.isHead && held.isEmpty:
            // The handler left out what it would have written. GET tells the length of what was coded as a whole.
            endHead(coded: true, request.length == nil ? .unknown : .untold, response)
        case .holding where held.count < request.minimumSize:
            endHead(coded: false, .known(UInt64(held.count)), response)
            unsafe held.withUnsafeBytes { bytes in unsafe response.write(bytes) }
        case .holding: codeHeld(response)
        case .streaming(let stream):
            unsafe put(UnsafeRawBufferPointer(start: nil, count: 0), .finish, through: stream, response)
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

    private func hold(_ bytes: UnsafeRawBufferPointer, _ response: ResponseSink) {
        let isWhole = held.isEmpty && request.length == UInt64(bytes.count) && bytes.count <= Self.wholeLimit
        if isWhole { return unsafe codeWhole(bytes, response) }
        if held.count + bytes.count <= Self.heldLimit, pool.claim(bytes.count) {
            claimed += bytes.count
            unsafe held.append(contentsOf: bytes)
        } else {
            startStreaming(response)
            unsafe write(bytes, to: response)
        }
    }

    // MARK: Coding

    private func codeHeld(_ response: ResponseSink) {
        unsafe held.withUnsafeBytes { bytes in unsafe codeWhole(bytes, response) }
    }

    private func codeWhole(_ bytes: UnsafeRawBufferPointer, _ response: ResponseSink) {
        let coded = unsafe pool.codeWhole(bytes, request.coding, level: request.level)
        let body = unsafe coded ?? bytes
        endHead(coded: unsafe coded != nil, .known(UInt64(body.count)), response)
        unsafe response.write(body)
        leave(for: .over)
    }

    /// Codes what was held and goes on piece by piece.
    private func startStreaming(_ response: ResponseSink) {
        if let stream = pool.takeStream(request.coding, level: request.level) {
            endHead(coded: true, .unknown, response)
            stage = .streaming(stream)
        } else {
            endHead(coded: false, request.length.map { .known($0) } ?? .unknown, response)
            stage = .plain
        }
        unsafe held.withUnsafeBytes { bytes in
            if bytes.count > 0 { unsafe write(bytes, to: response) }
        }
        held.removeAll(keepingCapacity: true)
    }

    private func put(
        _ bytes: UnsafeRawBufferPointer, _ step: CodingStep, through stream: CodingStream, _ response: ResponseSink
    ) {
        var rest = unsafe bytes
        while true {
            let progress = unsafe stream.code(rest, step, into: pool.room)
            if progress.produced > 0 {
                unsafe response.write(UnsafeRawBufferPointer(rebasing: pool.room[..<progress.produced]))
            }
            if progress.isDone { return }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[progress.consumed...])
        }
    }

    private func leave(for next: Stage) {
        if case .streaming(let stream) = stage { pool.giveBack(stream) }
        stage = next
    }

    // MARK: The head

    private func endHead(coded: Bool, _ length: BodyLength, _ response: ResponseSink) {
        unsafe deferred.withUnsafeBytes { lines in
            if coded {
                unsafe CodedFields.rewrite(lines) { unsafe response.appendFields($0) }
            } else {
                unsafe response.appendFields(lines)
            }
        }
        if coded {
            response.appendFields("Content-Encoding: ")
            response.appendFields(request.coding.token)
            response.appendFields("\r\n")
        }
        response.endHead(length)
    }
}

/// What a coder has to know of a response.
struct CodingRequest {
    var coding = ContentCoding.gzip
    var level = 1
    /// A body that turns out to be shorter is sent as it is.
    var minimumSize = 0
    /// The body's length before coding, where it is known.
    var length: UInt64?
    var isHead = false
}

/// The fields that mean the content as it is, written for a coded one.
enum CodedFields {
    /// Whether the field says something that coding changes.
    static func concern(_ field: FieldLine) -> Bool {
        switch unsafe field.name.count {
        case 4: field.isNamed("etag")
        case 13: field.isNamed("accept-ranges")
        case 16: field.isNamed("content-encoding")
        default: false
        }
    }

    /// Hands on the lines as they hold for the coded content.
    ///
    /// Entity tags become weak, for the coded content is another one, byte by byte (RFC 9110 §8.8.1). What does not hold
    /// is left out: ranges would count bytes of the uncoded content.
    static func rewrite(_ lines: UnsafeRawBufferPointer, _ put: (UnsafeRawBufferPointer) -> Void) {
        var fields = unsafe FieldLines(lines)
        while let field = fields.next() {
            guard concern(field) else {
                unsafe put(field.line)
                continue
            }
            guard field.isNamed("etag") else { continue }
            let name: StaticString = unsafe field.value.first == UInt8(ascii: "\"") ? "ETag: W/" : "ETag: "
            unsafe put(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            unsafe put(field.value)
            unsafe put(UnsafeRawBufferPointer(rebasing: field.line[(field.line.count - 2)...]))
        }
    }
}
