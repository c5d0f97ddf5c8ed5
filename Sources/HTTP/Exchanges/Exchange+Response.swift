import Memory
import Transport

/// Giving the response.
extension Exchange {
    /// Sends the complete response.
    ///
    /// - Parameter keepAlive: false closes the connection after the response.
    @inline(__always)
    package func respond(_ response: FixedResponse, keepAlive: Bool = true) {
        if let filter = storage.value.filter {
            return respond(response, keepAlive: keepAlive, through: filter)
        }
        if storage.value.substitute != nil { return respondForAnother(response, keepAlive: keepAlive) }
        storage.value.response.noteStatus(response.status)
        storage.value.output.append(response.statusLine)
        appendCommonFields()
        send(response, keepAlive: keepAlive)
    }

    /// Sends a fixed response in place of another one whose status may have to be kept.
    @inline(never)
    private func respondForAnother(_ response: FixedResponse, keepAlive: Bool) {
        let length = StatusCode.hasNoContent(response.status) ? 0 : UInt64(response.body.count)
        beginResponse(
            status: response.status, fields: response.fieldLines, length: .known(length), keepAlive: keepAlive)
        write(response.body)
        finish()
    }

    @inline(never)
    private func respond(_ response: FixedResponse, keepAlive: Bool, through filter: any ResponseFilter) {
        if storage.value.substitute?.error != nil {
            return respondForAnother(response, keepAlive: keepAlive)
        }
        let variant = filter.variant(of: response, for: self)
        if let coding = variant.coding {
            storage.value.logCoding = coding
            storage.value.uncodedBytes = framingFacts(true).isHead ? 0 : UInt64(response.body.count)
        }
        storage.value.response.noteStatus(variant.status)
        storage.value.output.append(variant.statusLine)
        appendCommonFields(except: filter.replacesServer ? .server : [])
        filter.appendVariableFields(for: self, to: sink)
        send(variant, keepAlive: keepAlive)
    }

    @inline(__always)
    private func send(_ response: FixedResponse, keepAlive: Bool) {
        storage.value.output.append(response.fields)
        storage.value.response.endFixedHead(
            response.body.count, answering: framingFacts(keepAlive), to: &storage.value.output)
        _ = storage.value.response.write(response.body, to: &storage.value.output)
        _ = storage.value.response.finish(to: &storage.value.output)
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
        status: Int, reason: ByteView? = nil, fields: ByteView, length: BodyLength,
        keepAlive: Bool = true, given: CommonFields = [], whole: WholeContent? = nil
    ) {
        guard let error = storage.value.substitute?.error else {
            return begin(
                status: status, reason: reason, fields: fields, length: length, keepAlive: keepAlive, given: given,
                whole: whole)
        }
        let lines = error.fields + Array(fields)
        lines.withBytes {
            begin(
                status: error.status, reason: nil, fields: $0, length: length, keepAlive: keepAlive && error.keepAlive,
                given: given)
        }
    }

    private func begin(
        status: Int, reason: ByteView?, fields: ByteView, length: BodyLength,
        keepAlive: Bool, given: CommonFields, whole: WholeContent? = nil
    ) {
        let standard = StatusCode.reason(status)
        let phrase =
            reason
            ?? ByteView(standard)
        noteResponse(at: endpoint.worker.now)
        storage.value.response.beginHead(status: status, reason: phrase, to: &storage.value.output)
        let facts = framingFacts(keepAlive)
        if let filter = storage.value.filter {
            let draft = ResponseDraft(
                status: status, fields: fields, length: length, isHead: facts.isHead, whole: whole)
            if begin(draft, facts, given, through: filter) { return }
        } else {
            appendCommonFields(except: given)
            storage.value.output.append(fields)
        }
        storage.value.response.endHead(length, answering: facts, to: &storage.value.output)
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
        storage.value.coding = CodedResponse(coder: coder, facts: facts, remaining: remaining)
        storage.value.uncodedBytes = 0
        return true
    }

    /// Appends to the body; bytes beyond a known length are dropped and counted in the result.
    @discardableResult
    package func write(_ bytes: ByteView) -> Int {
        if storage.value.coding != nil { return writeCoded(bytes) }
        return storage.value.response.write(bytes, to: &storage.value.output)
    }

    @inline(never)
    private func writeCoded(_ bytes: ByteView) -> Int {
        guard let coding = storage.value.coding else { return 0 }
        guard let remaining = coding.remaining else {
            storage.value.uncodedBytes += UInt64(bytes.count)
            coding.coder.write(bytes, to: sink)
            return 0
        }
        let count = min(bytes.count, Int(clamping: remaining))
        storage.value.coding?.remaining = remaining - UInt64(count)
        storage.value.uncodedBytes += UInt64(count)
        coding.coder.write(bytes[..<count], to: sink)
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
    package func send(_ bytes: ByteView) async throws(ExchangeFailure) {
        _ = try await connection.send(BodySource(bytes), of: self)
    }

    /// How further bytes of the body are sent to the client; a coder accepts them like framed ones.
    var passage: ResponseEncoder.Passage {
        guard let coding = storage.value.coding else { return storage.value.response.passage }
        return coding.facts.isHead || coding.remaining == 0 ? .nothing : .framed
    }

    /// Ends the response; false if it is shorter than its Content-Length, which closes the connection.
    @discardableResult
    package func finish() -> Bool {
        if let coding = storage.value.coding {
            guard coding.facts.isHead || (coding.remaining ?? 0) == 0 else {
                abandonResponse()
                return false
            }
            coding.coder.finish(to: sink)
            storage.value.endCoding()
        }
        return storage.value.response.finish(to: &storage.value.output)
    }

    /// Whether more of the body remains than the gateway reads only to keep the connection. A response that is complete
    /// before such a body closes its connection and states so: the client may stop sending bytes that are never read.
    package var leavesBodyUnread: Bool {
        let body = storage.value.body
        return !body.hasEnded && (body.remaining ?? .max) > UInt64(connection.service.limits.unreadBody)
    }

    /// Closes the connection after the response has been sent.
    package func closeAfterResponse() {
        storage.value.response.closeAfterwards()
    }

    /// Sends the response and then resets the connection instead of closing it.
    package func resetAfterResponse() {
        storage.value.response.closeAfterwards()
        storage.value.resetsConnection = true
    }

    /// Sends the output and signals the end of the response to the client; the exchange continues for its handler.
    package func disconnect() async throws(ExchangeFailure) {
        try await flush()
        connection.finishStream()
    }

    /// Cuts the response off at its current end; the connection closes.
    package func abandonResponse() {
        if let coding = storage.value.coding {
            // What the handler wrote before it failed is sent, as it would be without coding.
            coding.coder.flush(to: sink)
            storage.value.endCoding()
        }
        storage.value.response.abandon()
    }

    /// Ends a response whose handler failed halfway, so that the client can detect it: the written bytes are sent, and
    /// the response counts as complete only if its declared length has been reached.
    package func cutResponse() {
        if let coding = storage.value.coding {
            if coding.facts.isHead || coding.remaining == 0 { return _ = finish() }
            coding.coder.flush(to: sink)
            storage.value.endCoding()
        }
        switch storage.value.response.passage {
        case .nothing, .unframed(0): finish()
        case .unframed(.max):
            // The end of the connection is the end of the body, so the client must see it fail.
            storage.value.response.abandon()
            resetAfterResponse()
        case .unframed, .framed: storage.value.response.abandon()
        }
    }

    /// Sends all output, waiting while the client is slow.
    package func flush() async throws(ExchangeFailure) {
        if let coding = storage.value.coding { coding.coder.flush(to: sink) }
        try await connection.flush(self)
    }

    package var isResponseBegun: Bool {
        storage.value.response.isHeadSent || storage.value.coding != nil
    }
    package var isResponseFinished: Bool { storage.value.response.isFinished }
    package var status: Int {
        let logged = storage.value.logStatus
        return logged == 0 ? storage.value.response.status : Int(logged)
    }
    /// The number of body bytes sent; for an abandoned response, without those not sent yet.
    package var contentBytes: UInt64 {
        let written = storage.value.response.contentBytes
        guard storage.value.isAborted else { return written }
        return written - min(written, UInt64(storage.value.output.count))
    }

    /// Whether the connection is going to persist, as far as is known now.
    package var willKeepAlive: Bool { framingFacts(true).keepAlive }

    /// Sends the response through `filter`; must be called before the response begins.
    package func attach(_ filter: any ResponseFilter) {
        storage.value.filter = filter
    }

    var sink: ResponseSink { ResponseSink(storage) }

    @inline(__always)
    private func appendCommonFields(except given: CommonFields = []) {
        if !given.contains(.server) { storage.value.output.append("Server: isagate\r\n") }
        if !given.contains(.date) { withConnection { storage.value.output.append($0.service.dateField) } }
    }

    @inline(__always)
    private func framingFacts(_ keepAlive: Bool) -> ResponseEncoder.Request {
        let head = clientHead
        return ResponseEncoder.Request(
            isHead: head.method == .head, version: head.version,
            keepAlive: keepAlive && head.keepAlive && withConnection { $0.mayKeepAlive(self) })
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
