import Transport

// Operations for a handler that forwards a request and transfers bytes in both directions. They never wait, so that the
// handler can wait for both sides at once.
extension Exchange {
    // MARK: Request

    /// The next piece of the body that is available without waiting; valid until the next call.
    package func readBodyNow() throws(ExchangeFailure) -> BodyPiece {
        unsafe try connection.readBodyNow(self)
    }

    /// The trailer fields received after the body, each terminated by CRLF.
    package var trailers: [UInt8] { unsafe storage.pointee.trailers }

    /// How long to wait for more of the body, after which `judgeBody` has to be called.
    package var bodyDeadline: Deadline { withConnection { $0.bodyDeadline(self) } }

    /// Throws if the client sends the body too slowly, or not at all; otherwise the wait may continue.
    package func judgeBody() throws(ExchangeFailure) { try connection.judgeBody(self) }

    /// Returns and consumes the bytes received after the request; valid as long as the exchange.
    package func takeUnread() -> UnsafeRawBufferPointer {
        let unread = unsafe storage.pointee.cursor..<storage.pointee.filled
        unsafe storage.pointee.cursor = storage.pointee.filled
        return unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage.pointee.input)[unread])
    }

    // MARK: Response

    /// The number of output bytes that have not been written to the stream.
    @inline(__always)
    package var outputCount: Int { unsafe storage.pointee.output.count }

    /// How long to wait until the client accepts more, after which `judgeResponse` has to be called.
    package var responseDeadline: Deadline { withConnection { $0.responseDeadline(self) } }

    /// Throws if the client accepts the response too slowly, or not at all; otherwise the wait may continue.
    package func judgeResponse() throws(ExchangeFailure) { try connection.judgeResponse(self) }

    /// Sends what the client accepts now; nil if everything is sent, otherwise the events to wait for.
    ///
    /// - Parameter whole: whether to send also the bytes that a coder buffers.
    package func flushNow(whole: Bool) throws(ExchangeFailure) -> Interest? {
        if whole, let coding = unsafe storage.pointee.coding { coding.coder.flush(to: sink) }
        let result = withConnection { connection in
            Result<Interest?, ExchangeFailure> { () throws(ExchangeFailure) in try connection.flushNow(self) }
        }
        return try result.get()
    }

    /// Appends a complete interim response (RFC 9110 §15.2), which precedes the final one.
    ///
    /// - Parameter fields: field lines, each terminated by CRLF.
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

    /// Ends the response with trailer fields, each terminated by CRLF; they are sent if the framing allows trailers.
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

    /// Responds with 101 (Switching Protocols) and ends HTTP on this connection: after that has been sent, `successor`
    /// takes over.
    ///
    /// - Parameter fields: field lines, each terminated by CRLF, including those that name the protocol.
    package func switchProtocols(fields: UnsafeRawBufferPointer, to successor: any ConnectionSuccessor) {
        let reason = StatusCode.reason(101)
        unsafe storage.pointee.response.switchProtocols(
            reason: UnsafeRawBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount),
            to: &storage.pointee.output)
        unsafe storage.pointee.output.append(fields)
        unsafe storage.pointee.output.append("\r\n")
        withConnection { $0.successor = successor }
    }

    /// Whether the end of the body is indicated only by the end of the connection.
    package var isEndedByClosing: Bool { unsafe storage.pointee.response.isEndedByClosing }

    /// Appends bytes of the new protocol after a protocol switch.
    package func appendAfterSwitch(_ bytes: UnsafeRawBufferPointer) {
        unsafe storage.pointee.output.append(bytes)
    }

    // MARK: Log

    /// The reason for the response, in a few words for the log.
    package var logReason: StaticString? { unsafe storage.pointee.logReason }

    package func setLogReason(_ reason: StaticString) {
        unsafe storage.pointee.logReason = reason
    }
}

/// The result of reading a request body without waiting.
@unsafe
package enum BodyPiece {
    case content(UnsafeRawBufferPointer)
    /// No bytes are available; contains the events to wait for.
    case wouldBlock(Interest)
    case ended
}
