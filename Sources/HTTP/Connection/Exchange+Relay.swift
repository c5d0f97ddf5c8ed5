import Transport

// What a handler needs that passes a request on and moves bytes in both directions: steps that never wait, so that it
// can wait for both sides at once.
extension Exchange {
    // MARK: Request

    /// The next piece of the body as far as it can be had without waiting; valid until the next call.
    package func readBodyNow() throws(ExchangeFailure) -> BodyPiece {
        unsafe try connection.readBodyNow(self)
    }

    /// The trailer fields that came behind the body, each ended by CRLF.
    package var trailers: [UInt8] { unsafe storage.pointee.trailers }

    /// How long to wait for more of the body, after which `judgeBody` is to be asked.
    package var bodyDeadline: Deadline { withConnection { $0.bodyDeadline(self) } }

    /// Throws when the client sends the body too slowly, or not at all; otherwise the wait may go on.
    package func judgeBody() throws(ExchangeFailure) { try connection.judgeBody(self) }

    /// Takes what has been received behind the request, which nobody has looked at; valid while the exchange is.
    package func takeUnread() -> UnsafeRawBufferPointer {
        let unread = unsafe storage.pointee.cursor..<storage.pointee.filled
        unsafe storage.pointee.cursor = storage.pointee.filled
        return unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage.pointee.input)[unread])
    }

    // MARK: Response

    /// Bytes on their way to the client that have not been handed to the stream.
    @inline(__always)
    package var outputCount: Int { unsafe storage.pointee.output.count }

    /// How long to wait until the client takes more, after which `judgeResponse` is to be asked.
    package var responseDeadline: Deadline { withConnection { $0.responseDeadline(self) } }

    /// Throws when the client takes the response too slowly, or not at all; otherwise the wait may go on.
    package func judgeResponse() throws(ExchangeFailure) { try connection.judgeResponse(self) }

    /// Sends what the client takes now; nil when everything is sent, otherwise what to wait for.
    ///
    /// - Parameter whole: also what a coder keeps back for more to come.
    package func flushNow(whole: Bool) throws(ExchangeFailure) -> Interest? {
        if whole, let coding = unsafe storage.pointee.coding { coding.coder.flush(to: sink) }
        let result = withConnection { connection in
            Result<Interest?, ExchangeFailure> { () throws(ExchangeFailure) in try connection.flushNow(self) }
        }
        return try result.get()
    }

    /// Adds a whole interim response (RFC 9110 §15.2) in front of the final one.
    ///
    /// - Parameter fields: field lines, each ended by CRLF.
    package func appendInterimResponse(
        status: Int, reason: UnsafeRawBufferPointer, fields: UnsafeRawBufferPointer
    ) {
        unsafe storage.pointee.output.append("HTTP/1.1 ")
        unsafe storage.pointee.output.appendDecimal(UInt64(status))
        unsafe storage.pointee.output.append(" ")
        unsafe storage.pointee.output.append(reason)
        unsafe storage.pointee.output.append("\r\n")
        unsafe storage.pointee.output.append(fields)
        unsafe storage.pointee.output.append("\r\n")
    }

    /// Ends the response with trailer fields, each ended by CRLF; sent where the framing has room for them.
    @discardableResult
    package func finish(trailers: UnsafeRawBufferPointer) -> Bool {
        if unsafe storage.pointee.coding != nil { return finish() }
        if clientHead.version == .http2, unsafe !trailers.isEmpty { return unsafe finishBeside(trailers) }
        if unsafe !trailers.isEmpty, let filter = unsafe storage.pointee.filter {
            var lines = unsafe FieldLines(trailers)
            var kept: [UInt8] = []
            while let field = lines.next() {
                if unsafe !filter.withholds(field.name) { unsafe kept.append(contentsOf: field.line) }
            }
            return unsafe kept.withUnsafeBytes {
                unsafe storage.pointee.response.finish(trailers: $0, to: &storage.pointee.output)
            }
        }
        return unsafe storage.pointee.response.finish(trailers: trailers, to: &storage.pointee.output)
    }

    @inline(never)
    private func finishBeside(_ trailers: UnsafeRawBufferPointer) -> Bool {
        var lines = unsafe FieldLines(trailers)
        while let field = lines.next() {
            if unsafe storage.pointee.filter?.withholds(field.name) == true { continue }
            unsafe storage.pointee.responseTrailers.append(contentsOf: field.line)
        }
        return finish()
    }

    /// Answers 101 (Switching Protocols) and ends HTTP on this connection: once that is sent, `successor` goes on.
    ///
    /// - Parameter fields: field lines, each ended by CRLF, those that name the protocol among them.
    package func switchProtocols(fields: UnsafeRawBufferPointer, to successor: any ConnectionSuccessor) {
        let reason = StatusCode.reason(101)
        unsafe storage.pointee.response.switchProtocols(
            reason: UnsafeRawBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount),
            to: &storage.pointee.output)
        unsafe storage.pointee.output.append(fields)
        unsafe storage.pointee.output.append("\r\n")
        withConnection { $0.successor = successor }
    }

    /// Whether the client can tell the end of the body by the end of the connection only.
    package var isEndedByClosing: Bool { unsafe storage.pointee.response.isEndedByClosing }

    /// Adds bytes that are not HTTP, behind a switch of protocols.
    package func appendAfterSwitch(_ bytes: UnsafeRawBufferPointer) {
        unsafe storage.pointee.output.append(bytes)
    }

    // MARK: Log

    /// Why the response is what it is, in a few words for the log.
    package var logReason: StaticString? { unsafe storage.pointee.logReason }

    package func setLogReason(_ reason: StaticString) {
        unsafe storage.pointee.logReason = reason
    }
}

/// What came of reading a request body without waiting.
@unsafe
package enum BodyPiece {
    case content(UnsafeRawBufferPointer)
    /// Nothing there; what to wait for.
    case wouldBlock(Interest)
    case ended
}
