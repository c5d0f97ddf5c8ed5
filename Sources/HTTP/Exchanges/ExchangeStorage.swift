import Memory
import Transport

/// The memory of one request and its response: lent to a connection while a request is in progress.
///
/// The request head stays at `headStart` until the exchange has ended, so that the slices of a handler stay valid; body
/// bytes are read behind it and consumed from `cursor`.
@safe
struct ExchangeStorage: ~Copyable {
    let limits: HeadLimits
    var parser: RequestParser
    private(set) var input = OwnedBytes(count: firstInput)
    /// The offset of the current request.
    var headStart = 0
    /// The offset of the first byte not consumed yet.
    var cursor = 0
    /// The offset after the last received byte.
    var filled = 0
    var output = OutputBuffer()
    var response = ResponseEncoder()
    /// The route's filter for the response, if the filter has anything to do.
    var filter: (any ResponseFilter)?
    /// The current response, if a coder processes its body.
    var coding: CodedResponse?
    var body = RequestBody()
    /// The body limit of the route in bytes, if it differs from the connection's.
    var bodyLimit: UInt64?
    /// The decoder that processes the body before the handler reads it.
    var bodyDecoder: (any BodyDecoder)?
    /// The client's data rates while sending the body and while receiving responses, once the gateway has had to wait
    /// for it.
    var bodyMeter = DataRateMeter()
    var responseMeter = DataRateMeter()
    /// The normalized path, unless the received path is already normal.
    var normalizedPath: [UInt8]?
    /// The time at which the first byte of the request was received.
    var began = Deadline(milliseconds: 0)
    var times = RequestTimes()
    /// The list that has this exchange while it is in progress, and its place there.
    var pending: PendingExchanges?
    /// The client that a trusted proxy names.
    var namedClient: IPAddress?
    var trustedField: TrustedProxies.Field?
    /// The access logs for the request, one bit for each; all for those that are used by default.
    var logs = UInt32.max
    /// Bytes of the request's content that have been read.
    var receivedContent: UInt64 = 0
    /// The router's own number for the request.
    var tag: Int32 = 0
    /// The place among `pending`.
    var pendingPlace: UInt32 = 0
    /// 0 for the status sent.
    var logStatus: UInt16 = 0
    var logSubstatus: UInt16 = 0
    /// How many servers were tried.
    var logAttempts: UInt16 = 0
    /// Which extension, or which server of which upstream, has answered.
    var logExtension: String?
    /// Microseconds in which the request waited for the extension and in which that ran it; the first is the largest
    /// number if that is not known. Every waiting exchange keeps them, so they are short.
    var extensionWait = UInt32.max
    var extensionRun: UInt32 = 0
    var logPool: String?
    var logUpstream: String?
    var logServer: String?
    /// How the gateway has coded the body, and how many bytes it had before.
    var logCoding: StaticString?
    var uncodedBytes: UInt64 = 0
    /// Whether the connection ends with a reset.
    var resetsConnection = false
    var logParameter: String?
    var errorPages: ErrorPages?
    /// The request to the site's route for an error, which is answered after the handler has returned.
    var errorRequest: InternalRequest?
    /// The name of the user that the client has authenticated as.
    var user: String?
    /// The request's identifier, once it has been requested.
    var requestID: RequestID?
    var traceContext: SharedTraceContext?
    /// The internal request that is being answered in place of the client's.
    var substitute: Substitute?
    /// The reason for the response, if the handler did not choose it.
    var logReason: StaticString?
    /// Whether the exchange has failed, so that the rest of the output is not sent.
    var isAborted = false
    /// Trailer fields of the request's body, each terminated by CRLF.
    var trailers: [UInt8] = []
    /// Trailer fields of the response that are sent separately from its text, each terminated by CRLF.
    var responseTrailers: [UInt8] = []
    var connection: Unretained<ClientConnection>?
    var next: Stored<ExchangeStorage>?

    /// Sufficient for most heads. A waiting request keeps this much; the first longer head replaces it with the
    /// maximum.
    static let firstInput = 1 << 10
    /// Space after the largest head: for a TLS record of body, or the longest trailer section.
    private static let roomBehindHead = 24 << 10

    /// The size of the largest input buffer in bytes.
    static func inputLimit(_ limits: HeadLimits) -> Int { limits.maximumHead + roomBehindHead }

    init(_ limits: HeadLimits) {
        self.limits = limits
        parser = RequestParser(limits: limits)
    }

    /// Resets everything, including the received bytes.
    mutating func clear() {
        headStart = 0
        cursor = 0
        filled = 0
        output.removeAll()
        beginRequest()
    }

    /// Prepares for the request at `cursor`.
    @inline(__always)
    mutating func beginRequest() {
        parser.reset()
        response = ResponseEncoder()
        body = RequestBody()
        if normalizedPath != nil { normalizedPath = nil }
        if logParameter != nil { logParameter = nil }
        if filter != nil { endFiltering() }
        if bodyDecoder != nil { endDecoding() }
        bodyLimit = nil
        if bodyMeter.hasBegun { bodyMeter = DataRateMeter() }
        // Unsent output still belongs to the earlier response.
        if responseMeter.hasBegun, output.isEmpty { responseMeter = DataRateMeter() }
        namedClient = nil
        trustedField = nil
        if !trailers.isEmpty { trailers.removeAll() }
        if !responseTrailers.isEmpty { responseTrailers.removeAll() }
        logs = .max
        receivedContent = 0
        tag = 0
        logStatus = 0
        logSubstatus = 0
        times = RequestTimes()
        logCoding = nil
        if logExtension != nil { forgetExtension() }
        if logAttempts != 0 { forgetServer() }
        resetsConnection = false
        if errorPages != nil { errorPages = nil }
        logReason = nil
        isAborted = false
        if errorRequest != nil { errorRequest = nil }
        if user != nil { user = nil }
        if requestID != nil { requestID = nil }
        if traceContext != nil { traceContext = nil }
        if cursor == filled {
            cursor = 0
            filled = 0
        }
        headStart = cursor
    }

    @inline(never)
    private mutating func forgetExtension() {
        logExtension = nil
        logPool = nil
        extensionWait = .max
    }

    @inline(never)
    private mutating func forgetServer() {
        logUpstream = nil
        logServer = nil
        logAttempts = 0
    }

    @inline(never)
    private mutating func endFiltering() {
        endCoding()
        filter = nil
    }

    mutating func endDecoding() {
        bodyDecoder?.release()
        bodyDecoder = nil
    }

    /// The number of bytes of the client's body that the handler can still read; nil if it is unknown until the end.
    var remainingBody: UInt64? {
        guard let bodyDecoder else { return body.remaining }
        return bodyDecoder.remaining
    }

    var hasBodyEnded: Bool { bodyDecoder?.hasEnded ?? body.hasEnded }

    mutating func endCoding() {
        coding?.coder.release()
        coding = nil
    }

    /// Takes the head of an HTTP/2 request; its body is not stored here.
    mutating func take(_ request: borrowing RequestAssembly) {
        let text = request.fields.text
        if input.count < text.count { exchangeInput(for: (text.count + 255) / 256 * 256) }
        input.room.copy(text)
        headStart = 0
        cursor = text.count
        filled = text.count
        parser.take(request)
    }

    /// The size in bytes of the head of an HTTP/2 request, rejected or not.
    var headCount: Int { filled }

    /// Swaps the current head with that of `substitute`.
    mutating func exchangeHead(with substitute: Substitute) {
        swap(&parser, &substitute.parser)
        swap(&normalizedPath, &substitute.normalizedPath)
    }

    /// The received bytes, starting with the first one of the current request.
    @inline(__always)
    var received: ByteView {
        input.view[headStart..<filled]
    }

    /// The buffer for the next bytes from the client; moves an incomplete head to the front when there is no space
    /// left.
    mutating func roomForHead() -> MutableByteView {
        if filled == input.count { growInput() }
        if headStart > 0 && filled == input.count {
            input.room.move(headStart..<filled, to: 0)
            filled -= headStart
            cursor -= headStart
            headStart = 0
        }
        return input.room[filled...]
    }

    /// Whether the last read has filled the initial input, so that more bytes may be available.
    var isFirstInputFull: Bool { filled == Self.firstInput && input.count == Self.firstInput }

    /// Enlarges the input to its maximum size; at most once.
    @inline(__always)
    private mutating func growInput() {
        if input.count < Self.inputLimit(limits) { exchangeInput(for: Self.inputLimit(limits)) }
    }

    @inline(never)
    private mutating func exchangeInput(for count: Int) {
        let larger = OwnedBytes(count: count)
        larger.room.copy(input.view[..<filled])
        input = larger
    }

    /// Moves a head that ends too close to the end of the buffer to the front, with the bytes after it.
    ///
    /// This leaves space after the head for the longest line of a chunked body, which is only consumed as a whole. Must
    /// be called before a handler takes slices of the head.
    mutating func makeRoomForBody() {
        growInput()
        let headEnd = headStart + parser.head.length
        guard headStart > 0, input.count - headEnd < Self.roomBehindHead else { return }
        input.room.move(headStart..<filled, to: 0)
        cursor -= headStart
        filled -= headStart
        headStart = 0
    }

    /// The buffer for body bytes: after the head, over body bytes already consumed.
    mutating func roomForBody() -> MutableByteView {
        growInput()
        let headEnd = headStart + (substitute?.clientHead.length ?? parser.head.length)
        if cursor == filled {
            cursor = headEnd
            filled = headEnd
        } else if filled == input.count {
            input.room.move(cursor..<filled, to: headEnd)
            filled -= cursor - headEnd
            cursor = headEnd
        }
        return input.room[filled...]
    }
}
