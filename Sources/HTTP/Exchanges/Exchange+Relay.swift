import Memory
import Transport

// Operations for a handler that forwards a request and transfers bytes in both directions. They never wait, so that the
// handler can wait for both sides at once.
extension Exchange {
    // MARK: Request

    /// The next piece of the body that is available without waiting; valid until the next call.
    package func readBodyNow() throws(ExchangeFailure) -> BodyPiece {
        try connection.readBodyNow(self)
    }

    /// The trailer fields received after the body, each terminated by CRLF.
    package var trailers: [UInt8] { storage.value.trailers }

    /// How long to wait for more of the body, after which `judgeBody` has to be called.
    package var bodyDeadline: Deadline { withConnection { $0.bodyDeadline(self) } }

    /// Throws if the client sends the body too slowly, or not at all; otherwise the wait may continue.
    package func judgeBody() throws(ExchangeFailure) { try connection.judgeBody(self) }

    /// Returns and consumes the bytes received after the request; valid as long as the exchange.
    package func takeUnread() -> ByteView {
        let unread = storage.value.cursor..<storage.value.filled
        storage.value.cursor = storage.value.filled
        return storage.value.input.view[unread]
    }

    // MARK: Response

    /// The number of output bytes that have not been written to the stream.
    @inline(__always)
    package var outputCount: Int { storage.value.output.count }

    /// How long to wait until the client accepts more, after which `judgeResponse` has to be called.
    package var responseDeadline: Deadline { withConnection { $0.responseDeadline(self) } }

    /// Throws if the client accepts the response too slowly, or not at all; otherwise the wait may continue.
    package func judgeResponse() throws(ExchangeFailure) { try connection.judgeResponse(self) }

    /// Sends what the client accepts now; nil if everything is sent, otherwise the events to wait for.
    ///
    /// - Parameter whole: whether to send also the bytes that a coder buffers.
    package func flushNow(whole: Bool) throws(ExchangeFailure) -> Interest? {
        if whole, let coding = storage.value.coding { coding.coder.flush(to: sink) }
        let result = withConnection { connection in
            Result<Interest?, ExchangeFailure> { () throws(ExchangeFailure) in try connection.flushNow(self) }
        }
        return try result.get()
    }

    /// Appends a complete interim response (RFC 9110 §15.2), which precedes the final one.
    ///
    /// - Parameter fields: field lines, each terminated by CRLF.
    package func appendInterimResponse(
        status: Int, reason: ByteView, fields: ByteView
    ) {
        storage.value.output.append("HTTP/1.1 ")
        storage.value.output.appendDecimal(UInt64(status))
        storage.value.output.append(" ")
        storage.value.output.append(reason)
        storage.value.output.append("\r\n")
        storage.value.output.append(fields)
        storage.value.output.append("\r\n")
    }

    /// Ends the response with trailer fields, each terminated by CRLF; they are sent if the framing allows trailers.
    @discardableResult
    package func finish(trailers: ByteView) -> Bool {
        if storage.value.coding != nil { return finish() }
        if clientHead.version == .http2, !trailers.isEmpty { return finishBeside(trailers) }
        if !trailers.isEmpty, let filter = storage.value.filter {
            var lines = FieldLines(trailers)
            var kept: [UInt8] = []
            while let field = lines.next() {
                if !filter.withholds(field.name) { kept.append(contentsOf: field.line) }
            }
            return kept.withBytes {
                storage.value.response.finish(trailers: $0, to: &storage.value.output)
            }
        }
        return storage.value.response.finish(trailers: trailers, to: &storage.value.output)
    }

    @inline(never)
    private func finishBeside(_ trailers: ByteView) -> Bool {
        var lines = FieldLines(trailers)
        while let field = lines.next() {
            if storage.value.filter?.withholds(field.name) == true { continue }
            storage.value.responseTrailers.append(contentsOf: field.line)
        }
        return finish()
    }

    /// Responds with 101 (Switching Protocols) and ends HTTP on this connection: after that has been sent, `successor`
    /// takes over.
    ///
    /// - Parameter fields: field lines, each terminated by CRLF, including those that name the protocol.
    package func switchProtocols(fields: ByteView, to successor: any ConnectionSuccessor) {
        let reason = StatusCode.reason(101)
        storage.value.response.switchProtocols(
            reason: ByteView(reason),
            to: &storage.value.output)
        storage.value.output.append(fields)
        storage.value.output.append("\r\n")
        withConnection { $0.successor = successor }
    }

    /// Whether the end of the body is indicated only by the end of the connection.
    package var isEndedByClosing: Bool { storage.value.response.isEndedByClosing }

    /// Appends bytes of the new protocol after a protocol switch.
    package func appendAfterSwitch(_ bytes: ByteView) {
        storage.value.output.append(bytes)
    }

    // MARK: Log

    /// The reason for the response, in a few words for the log.
    package var logReason: StaticString? { storage.value.logReason }

    package func setLogReason(_ reason: StaticString) {
        storage.value.logReason = reason
    }
}

/// The result of reading a request body without waiting.
package enum BodyPiece {
    case content(ByteView)
    /// No bytes are available; contains the events to wait for.
    case wouldBlock(Interest)
    case ended
}
