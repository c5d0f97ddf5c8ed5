import Transport

/// One request and its response, as used by a handler; valid until the handler returns.
///
/// The request is read through slices of its head and, piece by piece, its body. Exactly one final response is given:
/// either a `FixedResponse`, or a head, any number of writes, and `finish`. Writes are buffered in memory; `flush`
/// sends them and waits while the client is slow, so a handler that writes much should flush often.
@safe
package struct Exchange: BitwiseCopyable {
    let storage: UnsafeMutablePointer<ExchangeStorage>

    init(_ storage: UnsafeMutablePointer<ExchangeStorage>) {
        unsafe self.storage = storage
    }

    package var connection: ClientConnection { withConnection { $0 } }

    @inline(__always)
    package var endpoint: WaitingEndpoint { withConnection { $0.endpoint } }

    /// Accesses the connection without reference counting: the connection outlives its exchange.
    @inline(__always)
    package func withConnection<Result>(_ body: (ClientConnection) -> Result) -> Result {
        unsafe storage.pointee.connection.unsafelyUnwrapped._withUnsafeGuaranteedRef { body($0) }
    }

    // MARK: Request

    @inline(__always)
    package var head: RequestHead { unsafe storage.pointee.parser.head }

    /// The head that the client sent, even while an internal request replaces it.
    @inline(__always)
    var clientHead: RequestHead {
        guard let substitute = unsafe storage.pointee.substitute else { return head }
        return substitute.clientHead
    }

    /// The nesting depth of internal requests.
    package var depth: Int { unsafe storage.pointee.substitute?.depth ?? 0 }

    /// The field lines as parsed, in the order in which they were sent.
    package var fields: UnsafeBufferPointer<FieldSlice> { unsafe storage.pointee.parser.fields }

    /// The head as sent, to which all slices are relative.
    @inline(__always)
    package var headBytes: UnsafeRawBufferPointer {
        if let substitute = unsafe storage.pointee.substitute {
            return unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(substitute.bytes)[..<head.length])
        }
        let start = unsafe storage.pointee.headStart
        let end = unsafe start + storage.pointee.parser.head.length
        return unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage.pointee.input)[start..<end])
    }

    /// Whether the path is routed as the client sent it: without dot segments and without percent-encoding.
    package var isPathAsSent: Bool { unsafe storage.pointee.normalizedPath == nil }

    @inline(__always)
    package func bytes(of slice: Slice) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: headBytes[slice.range])
    }

    package func text(of slice: Slice) -> String {
        unsafe String(decoding: bytes(of: slice), as: UTF8.self)
    }

    /// The value of the first field with this name, compared without case.
    package func value(named name: StaticString) -> Slice? {
        unsafe storage.pointee.parser.value(named: name, in: headBytes.bytes)
    }

    /// Calls `body` with the path percent-decoded and without dot segments, as it is matched against routes.
    @inline(__always)
    package func withPath<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let path = unsafe storage.pointee.normalizedPath {
            return unsafe path.withUnsafeBytes { unsafe body($0) }
        }
        return unsafe body(bytes(of: head.path))
    }

    /// The time at which the first byte of the request was received.
    package var began: Deadline { unsafe storage.pointee.began }

    // MARK: Request body

    /// The number of bytes of the body still to come; nil if it is unknown until the end.
    package var remainingBody: UInt64? {
        guard let substitute = unsafe storage.pointee.substitute else { return unsafe storage.pointee.remainingBody }
        let entity = UInt64(substitute.remainingEntity)
        guard substitute.continuesWithClient else { return entity }
        return unsafe storage.pointee.remainingBody.map { $0 + entity }
    }

    package var hasBodyEnded: Bool {
        guard let substitute = unsafe storage.pointee.substitute else { return unsafe storage.pointee.hasBodyEnded }
        guard substitute.remainingEntity == 0 else { return false }
        return unsafe !substitute.continuesWithClient || storage.pointee.hasBodyEnded
    }

    /// The next piece of the body, valid until the next call; nil at its end.
    ///
    /// Sends 100 (Continue) first if the client expects it (RFC 9110 §10.1.1).
    package func readBody() async throws(ExchangeFailure) -> UnsafeRawBufferPointer? {
        unsafe try await connection.readBody(self)
    }

    /// Answers another request in place of this one, by the route that matches it; `asker` is the calling handler.
    package func answer(
        as request: InternalRequest, for asker: any RequestHandler
    ) async throws(ExchangeFailure) -> InternalOutcome {
        try await connection.answer(self, as: request, for: asker)
    }

    // MARK: Response

    /// Sends the complete response.
    ///
    /// - Parameter keepAlive: false closes the connection after the response.
    @inline(__always)
    package func respond(_ response: FixedResponse, keepAlive: Bool = true) {
        if let filter = unsafe storage.pointee.filter {
            return respond(response, keepAlive: keepAlive, through: filter)
        }
        if unsafe storage.pointee.substitute != nil { return respondForAnother(response, keepAlive: keepAlive) }
        unsafe storage.pointee.response.noteStatus(response.status)
        unsafe storage.pointee.output.append(response.statusLine)
        appendCommonFields()
        send(response, keepAlive: keepAlive)
    }

    /// Sends a fixed response in place of another one whose status may have to be kept.
    @inline(never)
    private func respondForAnother(_ response: FixedResponse, keepAlive: Bool) {
        let length = unsafe StatusCode.hasNoContent(response.status) ? 0 : UInt64(response.body.count)
        unsafe beginResponse(
            status: response.status, fields: response.fieldLines, length: .known(length), keepAlive: keepAlive)
        unsafe write(response.body)
        finish()
    }

    @inline(never)
    private func respond(_ response: FixedResponse, keepAlive: Bool, through filter: any ResponseFilter) {
        if unsafe storage.pointee.substitute?.error != nil {
            return respondForAnother(response, keepAlive: keepAlive)
        }
        let variant = filter.variant(of: response, for: self)
        unsafe storage.pointee.response.noteStatus(variant.status)
        unsafe storage.pointee.output.append(variant.statusLine)
        appendCommonFields(except: filter.replacesServer ? .server : [])
        filter.appendVariableFields(for: self, to: sink)
        send(variant, keepAlive: keepAlive)
    }

    @inline(__always)
    private func send(_ response: FixedResponse, keepAlive: Bool) {
        unsafe storage.pointee.output.append(response.fields)
        unsafe storage.pointee.response.endFixedHead(
            response.body.count, answering: framingFacts(keepAlive), to: &storage.pointee.output)
        _ = unsafe storage.pointee.response.write(response.body, to: &storage.pointee.output)
        _ = unsafe storage.pointee.response.finish(to: &storage.pointee.output)
    }

    /// Begins the response.
    ///
    /// - Parameters:
    ///   - reason: the reason phrase; nil for the standard one of the status.
    ///   - fields: validated field lines, each terminated by CRLF, without those for the message framing.
    ///   - keepAlive: false closes the connection after the response.
    ///   - given: which of the gateway's own fields are already among `fields`.
    ///   - whole: the response with content that a 304 refers to.
    package func beginResponse(
        status: Int, reason: UnsafeRawBufferPointer? = nil, fields: UnsafeRawBufferPointer, length: BodyLength,
        keepAlive: Bool = true, given: CommonFields = [], whole: WholeContent? = nil
    ) {
        guard let error = unsafe storage.pointee.substitute?.error else {
            return unsafe begin(
                status: status, reason: reason, fields: fields, length: length, keepAlive: keepAlive, given: given,
                whole: whole)
        }
        let lines = unsafe error.fields + Array(fields)
        unsafe lines.withUnsafeBytes {
            unsafe begin(
                status: error.status, reason: nil, fields: $0, length: length, keepAlive: keepAlive && error.keepAlive,
                given: given)
        }
    }

    private func begin(
        status: Int, reason: UnsafeRawBufferPointer?, fields: UnsafeRawBufferPointer, length: BodyLength,
        keepAlive: Bool, given: CommonFields, whole: WholeContent? = nil
    ) {
        let standard = StatusCode.reason(status)
        let phrase =
            unsafe reason
            ?? UnsafeRawBufferPointer(start: standard.utf8Start, count: standard.utf8CodeUnitCount)
        unsafe storage.pointee.response.beginHead(status: status, reason: phrase, to: &storage.pointee.output)
        let facts = framingFacts(keepAlive)
        if let filter = unsafe storage.pointee.filter {
            let draft = unsafe ResponseDraft(
                status: status, fields: fields, length: length, isHead: facts.isHead, whole: whole)
            if begin(draft, facts, given, through: filter) { return }
        } else {
            appendCommonFields(except: given)
            unsafe storage.pointee.output.append(fields)
        }
        unsafe storage.pointee.response.endHead(length, answering: facts, to: &storage.pointee.output)
    }

    /// Writes the fields of a head; returns whether a coder processes the rest of the response.
    @inline(never)
    private func begin(
        _ draft: ResponseDraft, _ facts: ResponseEncoder.Request, _ given: CommonFields,
        through filter: any ResponseFilter
    ) -> Bool {
        appendCommonFields(except: filter.replacesServer ? given.union(.server) : given)
        guard let coder = filter.begin(draft, for: self, to: sink) else { return false }
        var remaining: UInt64?
        if case .known(let count) = draft.length { remaining = count }
        unsafe storage.pointee.coding = CodedResponse(coder: coder, facts: facts, remaining: remaining)
        return true
    }

    /// Appends to the body; bytes beyond a known length are dropped and counted in the result.
    @discardableResult
    package func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        if unsafe storage.pointee.coding != nil { return unsafe writeCoded(bytes) }
        return unsafe storage.pointee.response.write(bytes, to: &storage.pointee.output)
    }

    @inline(never)
    private func writeCoded(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let coding = unsafe storage.pointee.coding else { return 0 }
        guard let remaining = coding.remaining else {
            unsafe coding.coder.write(bytes, to: sink)
            return 0
        }
        let count = min(bytes.count, Int(clamping: remaining))
        unsafe storage.pointee.coding?.remaining = remaining - UInt64(count)
        unsafe coding.coder.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: sink)
        return bytes.count - count
    }

    /// Sends part of a file as part of the body, waiting while the client or the disk is slow.
    ///
    /// If the length is known, pieces need no framing and the bytes take the shortest path to the socket. A wait for
    /// the disk uses the endpoint's signal and signals it again afterwards.
    /// - Returns: false if the file ended early, which leaves the response incomplete.
    package func sendFile(
        _ file: OpenFile, from offset: UInt64, count: UInt64
    ) async throws(ExchangeFailure) -> Bool {
        try await connection.send(BodySource(file, offset: offset, count: count), of: self)
    }

    /// Sends `bytes`, which must not be moved, as part of the body, waiting while the client is slow.
    package func send(_ bytes: UnsafeRawBufferPointer) async throws(ExchangeFailure) {
        _ = try await unsafe connection.send(BodySource(bytes), of: self)
    }

    /// How further bytes of the body are sent to the client; a coder accepts them like framed ones.
    var passage: ResponseEncoder.Passage {
        guard let coding = unsafe storage.pointee.coding else { return unsafe storage.pointee.response.passage }
        return coding.facts.isHead || coding.remaining == 0 ? .nothing : .framed
    }

    /// Ends the response; false if it is shorter than its Content-Length, which closes the connection.
    @discardableResult
    package func finish() -> Bool {
        if let coding = unsafe storage.pointee.coding {
            guard coding.facts.isHead || (coding.remaining ?? 0) == 0 else {
                abandonResponse()
                return false
            }
            coding.coder.finish(to: sink)
            unsafe storage.pointee.endCoding()
        }
        return unsafe storage.pointee.response.finish(to: &storage.pointee.output)
    }

    /// Whether more of the body remains than the gateway reads only to keep the connection. A response that is complete
    /// before such a body closes its connection and states so: the client may stop sending bytes that are never read.
    package var leavesBodyUnread: Bool {
        let body = unsafe storage.pointee.body
        return !body.hasEnded && (body.remaining ?? .max) > UInt64(connection.service.limits.unreadBody)
    }

    /// Closes the connection after the response has been sent.
    package func closeAfterResponse() {
        unsafe storage.pointee.response.closeAfterwards()
    }

    /// Sends the response and then resets the connection instead of closing it.
    package func resetAfterResponse() {
        unsafe storage.pointee.response.closeAfterwards()
        unsafe storage.pointee.resetsConnection = true
    }

    /// Sends the output and signals the end of the response to the client; the exchange continues for its handler.
    package func disconnect() async throws(ExchangeFailure) {
        try await flush()
        connection.finishStream()
    }

    /// Cuts the response off at its current end; the connection closes.
    package func abandonResponse() {
        if let coding = unsafe storage.pointee.coding {
            // What the handler wrote before it failed is sent, as it would be without coding.
            coding.coder.flush(to: sink)
            unsafe storage.pointee.endCoding()
        }
        unsafe storage.pointee.response.abandon()
    }

    /// Ends a response whose handler failed halfway, so that the client can detect it: the written bytes are sent, and
    /// the response counts as complete only if its declared length has been reached.
    package func cutResponse() {
        if let coding = unsafe storage.pointee.coding {
            if coding.facts.isHead || coding.remaining == 0 { return _ = finish() }
            coding.coder.flush(to: sink)
            unsafe storage.pointee.endCoding()
        }
        switch unsafe storage.pointee.response.passage {
        case .nothing, .unframed(0): finish()
        case .unframed(.max):
            // The end of the connection is the end of the body, so the client must see it fail.
            unsafe storage.pointee.response.abandon()
            resetAfterResponse()
        case .unframed, .framed: unsafe storage.pointee.response.abandon()
        }
    }

    /// Sends all output, waiting while the client is slow.
    package func flush() async throws(ExchangeFailure) {
        if let coding = unsafe storage.pointee.coding { coding.coder.flush(to: sink) }
        try await connection.flush(self)
    }

    package var isResponseBegun: Bool {
        unsafe storage.pointee.response.isHeadSent || storage.pointee.coding != nil
    }
    package var isResponseFinished: Bool { unsafe storage.pointee.response.isFinished }
    package var status: Int { unsafe storage.pointee.logStatus ?? storage.pointee.response.status }
    /// The number of body bytes sent; for an abandoned response, without those not sent yet.
    package var contentBytes: UInt64 {
        let written = unsafe storage.pointee.response.contentBytes
        guard unsafe storage.pointee.isGivenUp else { return written }
        return unsafe written - min(written, UInt64(storage.pointee.output.count))
    }

    /// Whether the connection is going to persist, as far as is known now.
    package var willKeepAlive: Bool { framingFacts(true).keepAlive }

    /// Sends the response through `filter`; must be called before the response begins.
    package func attach(_ filter: any ResponseFilter) {
        unsafe storage.pointee.filter = filter
    }

    var sink: ResponseSink { unsafe ResponseSink(storage) }

    @inline(__always)
    private func appendCommonFields(except given: CommonFields = []) {
        if !given.contains(.server) { unsafe storage.pointee.output.append("Server: isagate\r\n") }
        if !given.contains(.date) { withConnection { unsafe storage.pointee.output.append($0.service.dateField) } }
    }

    @inline(__always)
    private func framingFacts(_ keepAlive: Bool) -> ResponseEncoder.Request {
        let head = clientHead
        return ResponseEncoder.Request(
            isHead: head.method == .head, version: head.version,
            keepAlive: keepAlive && head.keepAlive && withConnection { $0.mayKeepAlive(self) })
    }

    // MARK: User

    /// The name of the user that the client has authenticated as, by the rules of the route.
    package var user: String? { unsafe storage.pointee.user }

    package func setUser(_ name: String) {
        unsafe storage.pointee.user = name
    }

    // MARK: Log

    /// Records for the log why the exchange was not completed.
    func noteFailure(_ failure: ExchangeFailure) {
        unsafe storage.pointee.isGivenUp = true
        let (status, reason): (Int, StaticString) =
            switch failure {
            case .rejected(let rejection): (rejection.status, rejection.reason)
            // nginx logs this status for a client that closed the connection early.
            case .clientGone: (499, "client gone")
            case .writeTimeout, .responseTooSlow, .responseTimeout:
                (408, failure.reason ?? "response not taken in time")
            case .aborted: (503, "gateway stopped")
            }
        if logReason == nil { setLogReason(reason) }
        if !isResponseBegun, unsafe storage.pointee.logStatus == nil { setLogStatus(status) }
    }

    /// The status in the log, if it is not the one sent.
    package func setLogStatus(_ status: Int) {
        unsafe storage.pointee.logStatus = status
    }

    /// The substatus in the log; 0 for none.
    package var logSubstatus: Int { unsafe storage.pointee.logSubstatus }

    package func setLogSubstatus(_ substatus: Int) {
        unsafe storage.pointee.logSubstatus = substatus
    }

    /// Text to append to the query in the log (HSE_APPEND_LOG_PARAMETER).
    package var logParameter: String? { unsafe storage.pointee.logParameter }

    package func setLogParameter(_ text: String) {
        unsafe storage.pointee.logParameter = text
    }
}

/// Fields that the gateway adds to every response without them.
package struct CommonFields: OptionSet, BitwiseCopyable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No field. An empty array literal would go through a generic sequence.
    package init() { rawValue = 0 }

    package static var server: CommonFields { CommonFields(rawValue: 1) }
    package static var date: CommonFields { CommonFields(rawValue: 2) }

    package static func | (left: CommonFields, right: CommonFields) -> CommonFields {
        CommonFields(rawValue: left.rawValue | right.rawValue)
    }
}
