import Transport

/// The memory of one request and its response: lent to a connection while a request is under way.
///
/// The request head stays at `headStart` until the exchange is over, so a handler's slices hold; body bytes are read
/// behind it and consumed from `cursor`.
@safe
struct ExchangeStorage: ~Copyable {
    let limits: HeadLimits
    var parser: RequestParser
    private(set) var input: UnsafeMutableRawBufferPointer
    /// Where the current request begins.
    var headStart = 0
    /// The first byte not consumed yet.
    var cursor = 0
    /// Behind the last byte received.
    var filled = 0
    var output = OutputBuffer()
    var response = ResponseEncoder()
    /// What the route does to the response, while it has something to do.
    var filter: (any ResponseFilter)?
    /// The response under way, while its body goes through a coder.
    var coding: CodedResponse?
    var body = RequestBody()
    /// Bytes the route allows, when that is not what the connection allows.
    var bodyLimit: UInt64?
    /// What the body goes through on its way to the handler.
    var bodyDecoder: (any BodyDecoder)?
    /// How the client keeps up with sending the body, and with taking responses, once it had to be waited for.
    var bodyMeter = DataRateMeter()
    var responseMeter = DataRateMeter()
    /// The normalized path, unless the path as sent is normal.
    var normalizedPath: [UInt8]?
    /// When the request's first byte was seen.
    var began = Deadline(milliseconds: 0)
    /// Who asks, by the word of a trusted proxy.
    var namedClient: IPAddress?
    var trustedField: TrustedProxies.Field?
    var logStatus: Int?
    var logSubstatus = 0
    /// The connection ends with a reset.
    var resetsConnection = false
    var logParameter: String?
    var errorPages: ErrorPages?
    /// What the site's route for an error is to be asked, once the handler has returned.
    var errorRequest: InternalRequest?
    /// Who the client has shown to be.
    var user: String?
    /// The request's name, once somebody asked for it.
    var requestID: RequestID?
    /// The internal request that is being answered in place of the client's.
    var substitute: Substitute?
    /// Why the response is what it is, when it was not the handler's to choose.
    var logReason: StaticString?
    /// The response did not come to its end, and what has not been sent of it will not be.
    var isGivenUp = false
    /// Trailer fields of the request's body, each ended by CRLF.
    var trailers: [UInt8] = []
    /// Trailer fields of the response that go beside it, each ended by CRLF.
    var responseTrailers: [UInt8] = []
    var connection: Unmanaged<ClientConnection>?
    var next: UnsafeMutablePointer<ExchangeStorage>?

    /// Enough for most heads; what a request that waits keeps, and the first longer one exchanges for the most there is.
    static let firstInput = 1 << 10
    /// Room behind the largest head: for a TLS record of body, or the longest trailer section.
    private static let roomBehindHead = 24 << 10

    /// Bytes of the largest input.
    static func inputLimit(_ limits: HeadLimits) -> Int { limits.maximumHead + roomBehindHead }

    init(_ limits: HeadLimits) {
        self.limits = limits
        parser = RequestParser(limits: limits)
        unsafe input = .allocate(byteCount: Self.firstInput, alignment: 16)
    }

    deinit {
        unsafe input.deallocate()
    }

    /// Forgets everything, bytes included.
    mutating func clear() {
        headStart = 0
        cursor = 0
        filled = 0
        output.removeAll()
        beginRequest()
    }

    /// Makes ready for the request at `cursor`.
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
        // What is left of a response is still that response.
        if responseMeter.hasBegun, output.isEmpty { responseMeter = DataRateMeter() }
        namedClient = nil
        trustedField = nil
        if !trailers.isEmpty { trailers.removeAll() }
        if !responseTrailers.isEmpty { responseTrailers.removeAll() }
        logStatus = nil
        logSubstatus = 0
        resetsConnection = false
        if errorPages != nil { errorPages = nil }
        logReason = nil
        isGivenUp = false
        if errorRequest != nil { errorRequest = nil }
        if user != nil { user = nil }
        if requestID != nil { requestID = nil }
        if cursor == filled {
            cursor = 0
            filled = 0
        }
        headStart = cursor
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

    /// Bytes of the client's body that the handler can still read; nil when only its end will tell.
    var remainingBody: UInt64? {
        guard let bodyDecoder else { return body.remaining }
        return bodyDecoder.remaining
    }

    var hasBodyEnded: Bool { bodyDecoder?.hasEnded ?? body.hasEnded }

    mutating func endCoding() {
        coding?.coder.release()
        coding = nil
    }

    /// Takes the head of a request of HTTP/2; its body never comes here.
    mutating func take(_ request: borrowing RequestAssembly) {
        let text = unsafe request.fields.text
        if unsafe input.count < text.count { exchangeInput(for: (text.count + 1023) / 1024 * 1024) }
        unsafe input.copyMemory(from: text)
        headStart = 0
        cursor = text.count
        filled = text.count
        parser.take(request)
    }

    /// Bytes of the head of a request of HTTP/2, refused or not.
    var headCount: Int { filled }

    /// Puts the head of `substitute` in place of the one in force, or back.
    mutating func exchangeHead(with substitute: Substitute) {
        swap(&parser, &substitute.parser)
        swap(&normalizedPath, &substitute.normalizedPath)
    }

    /// The bytes received from the current request's first on.
    @inline(__always)
    var received: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[headStart..<filled])
    }

    /// Where the next bytes from the client go; moves an unfinished head to the front when there is no room left.
    mutating func roomForHead() -> UnsafeMutableRawBufferPointer {
        if unsafe filled == input.count { growInput() }
        if unsafe headStart > 0 && filled == input.count {
            unsafe input.baseAddress!.copyMemory(from: input.baseAddress! + headStart, byteCount: filled - headStart)
            filled -= headStart
            cursor -= headStart
            headStart = 0
        }
        return unsafe UnsafeMutableRawBufferPointer(rebasing: input[filled...])
    }

    /// Whether more may be ready to be read than there was room for.
    var isFirstInputFull: Bool { unsafe filled == Self.firstInput && input.count == Self.firstInput }

    /// Makes the input as large as it may have to be; once.
    @inline(__always)
    private mutating func growInput() {
        if unsafe input.count < Self.inputLimit(limits) { exchangeInput(for: Self.inputLimit(limits)) }
    }

    @inline(never)
    private mutating func exchangeInput(for count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<filled]))
        unsafe input.deallocate()
        unsafe input = larger
    }

    /// Moves a head that ends too close to the end of the memory to the front, with what follows it.
    ///
    /// Behind the head there is then room for the longest line of a chunked body, which is consumed only as a whole.
    /// Must happen before a handler takes slices of the head.
    mutating func makeRoomForBody() {
        growInput()
        let headEnd = headStart + parser.head.length
        guard headStart > 0, unsafe input.count - headEnd < Self.roomBehindHead else { return }
        unsafe input.baseAddress!.copyMemory(from: input.baseAddress! + headStart, byteCount: filled - headStart)
        cursor -= headStart
        filled -= headStart
        headStart = 0
    }

    /// Where body bytes go: behind the head, over body bytes already consumed.
    mutating func roomForBody() -> UnsafeMutableRawBufferPointer {
        growInput()
        let headEnd = headStart + (substitute?.clientHead.length ?? parser.head.length)
        if cursor == filled {
            cursor = headEnd
            filled = headEnd
        } else if unsafe filled == input.count {
            unsafe (input.baseAddress! + headEnd).copyMemory(
                from: input.baseAddress! + cursor, byteCount: filled - cursor)
            filled -= cursor - headEnd
            cursor = headEnd
        }
        return unsafe UnsafeMutableRawBufferPointer(rebasing: input[filled...])
    }
}
