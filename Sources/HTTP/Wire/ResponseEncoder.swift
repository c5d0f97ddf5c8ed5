import Memory

/// How the length of a response body is indicated to the client.
package enum BodyLength: Equatable, BitwiseCopyable, Sendable {
    case known(UInt64)
    /// Chunked on HTTP/1.1; ended by closing the connection on HTTP/1.0, by END_STREAM on HTTP/2.
    case unknown
    /// The handler's bytes are already a chunked body. Whether it ends correctly is not checked, so the connection
    /// closes.
    case framedByHandler
    /// A response to HEAD whose body would have to be generated first: no framing fields are sent (RFC 9110 §9.3.2).
    case undeclared
}

/// Frames one final response (RFC 9112 §6); a second head, or a body without a head, is a programming error.
struct ResponseEncoder: BitwiseCopyable {
    enum State: BitwiseCopyable {
        case head
        case body(Framing)
        case finished
    }

    enum Framing: BitwiseCopyable {
        /// No body is sent: HEAD, 204, 304.
        case suppressed
        case length(remaining: UInt64)
        case chunked
        case untilClose
        /// The bytes are unchanged; the end is indicated to their recipient separately (HTTP/2).
        case unframed
    }

    private(set) var state = State.head
    private(set) var status = 0
    /// The number of body bytes from the handler that were sent as content.
    private(set) var contentBytes: UInt64 = 0
    /// The connection closes after this response.
    private(set) var closes = false
    /// The response is incomplete.
    private(set) var isCut = false

    var isHeadSent: Bool {
        if case .head = state { return false }
        return true
    }

    var isFinished: Bool {
        if case .finished = state { return true }
        return false
    }

    /// Whether the end of the current body is the end of the connection.
    var isEndedByClosing: Bool {
        if case .body(.untilClose) = state { return true }
        return false
    }

    /// The properties of the request that determine the framing.
    struct Request {
        var isHead: Bool
        var version: HTTPVersion
        var keepAlive: Bool
    }

    /// Writes the status line; field lines follow, then `endHead`.
    mutating func beginHead(status: Int, reason: ByteView, to output: inout OutputBuffer) {
        precondition(!isHeadSent, "one final response per exchange")
        self.status = status
        output.append("HTTP/1.1 ")
        output.appendDecimal(UInt64(status))
        output.append(" ")
        output.append(reason)
        output.append("\r\n")
    }

    mutating func noteStatus(_ status: Int) {
        precondition(!isHeadSent, "one final response per exchange")
        self.status = status
    }

    /// Determines the framing, and writes its fields and the empty line.
    mutating func endHead(_ length: BodyLength, answering request: Request, to output: inout OutputBuffer) {
        closes = closes || !request.keepAlive
        switch length {
        case _ where StatusCode.hasNoContent(status):
            state = .body(.suppressed)
        case .known(let count):
            output.append("Content-Length: ")
            output.appendDecimal(count)
            output.append("\r\n")
            state = .body(request.isHead ? .suppressed : .length(remaining: count))
        case .undeclared:
            precondition(request.isHead, "a body has a framing")
            state = .body(.suppressed)
        case .framedByHandler:
            closes = true
            if request.version == .http11 { output.append("Transfer-Encoding: chunked\r\n") }
            state = .body(request.isHead ? .suppressed : .untilClose)
        case .unknown where request.version == .http11:
            output.append("Transfer-Encoding: chunked\r\n")
            state = .body(request.isHead ? .suppressed : .chunked)
        case .unknown where request.version == .http2:
            state = .body(request.isHead ? .suppressed : .unframed)
        case .unknown:
            closes = true
            state = .body(request.isHead ? .suppressed : .untilClose)
        }
        endHead(request, to: &output)
    }

    /// Like `endHead(_:answering:to:)` for a head whose fields already state the length.
    mutating func endFixedHead(_ count: Int, answering request: Request, to output: inout OutputBuffer) {
        closes = closes || !request.keepAlive
        let isSuppressed = request.isHead || StatusCode.hasNoContent(status)
        state = .body(isSuppressed ? .suppressed : .length(remaining: UInt64(count)))
        endHead(request, to: &output)
    }

    private func endHead(_ request: Request, to output: inout OutputBuffer) {
        if request.version == .http2 { return output.append("\r\n") }
        if closes {
            output.append("Connection: close\r\n")
        } else if request.version == .http10 {
            output.append("Connection: keep-alive\r\n")
        }
        output.append("\r\n")
    }

    /// Frames body bytes; returns how many exceeded a known length and were dropped.
    mutating func write(_ bytes: ByteView, to output: inout OutputBuffer) -> Int {
        guard case .body(let framing) = state else { preconditionFailure("a body follows its head") }
        switch framing {
        case .suppressed: return 0
        case .length(let remaining):
            let count = min(bytes.count, Int(clamping: remaining))
            output.append(bytes[..<count])
            contentBytes += UInt64(count)
            state = .body(.length(remaining: remaining - UInt64(count)))
            return bytes.count - count
        case .chunked:
            guard bytes.count > 0 else { return 0 }
            output.appendChunkLine(bytes.count)
            output.append(bytes)
            output.append("\r\n")
        case .untilClose, .unframed:
            output.append(bytes)
        }
        contentBytes += UInt64(bytes.count)
        return 0
    }

    /// How further bytes of the body are sent to the client.
    enum Passage {
        /// Not at all.
        case nothing
        /// Unchanged, up to this number of bytes.
        case unframed(UInt64)
        case framed
    }

    var passage: Passage {
        switch state {
        case .body(.length(let remaining)): .unframed(remaining)
        case .body(.untilClose), .body(.unframed): .unframed(.max)
        case .body(.chunked): .framed
        case .body(.suppressed), .head, .finished: .nothing
        }
    }

    /// Counts body bytes that were sent without the output buffer, while `passage` is unframed.
    mutating func noteSent(_ count: Int) {
        contentBytes += UInt64(count)
        if case .body(.length(let remaining)) = state { state = .body(.length(remaining: remaining - UInt64(count))) }
    }

    /// Ends the body; false if fewer bytes were written than declared, so that only closing the connection indicates
    /// it.
    ///
    /// - Parameter trailers: field lines, each terminated by CRLF, which are sent if the framing allows trailers (RFC
    ///   9112 §7.1.2).
    mutating func finish(trailers: ByteView? = nil, to output: inout OutputBuffer) -> Bool {
        guard case .body(let framing) = state else { preconditionFailure("a body follows its head") }
        state = .finished
        switch framing {
        case .suppressed, .untilClose, .unframed: return true
        case .length(let remaining):
            if remaining > 0 {
                closes = true
                isCut = true
            }
            return remaining == 0
        case .chunked:
            output.append("0\r\n")
            if let trailers = trailers { output.append(trailers) }
            output.append("\r\n")
            return true
        }
    }

    /// Begins a message that ends with its head (101); the bytes that follow on the connection are not HTTP.
    mutating func switchProtocols(reason: ByteView, to output: inout OutputBuffer) {
        beginHead(status: 101, reason: reason, to: &output)
        state = .finished
        closes = true
    }

    /// Abandons the response; the connection cannot continue.
    mutating func abandon() {
        state = .finished
        isCut = true
        closes = true
    }

    /// Closes the connection after this response, even if its head did not state so.
    mutating func closeAfterwards() {
        closes = true
    }
}
