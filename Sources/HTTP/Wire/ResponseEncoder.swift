/// How the length of a response body is told to the client.
package enum BodyLength: Equatable, BitwiseCopyable, Sendable {
    case known(UInt64)
    /// Chunked on HTTP/1.1; ended by closing the connection on HTTP/1.0, by END_STREAM on HTTP/2.
    case unknown
    /// The handler's bytes are a chunked body already; whether they end as one is not checked, so the connection closes.
    case framedByHandler
    /// Of an answer to HEAD whose body would have to be made for it: nothing tells the framing (RFC 9110 §9.3.2).
    case undeclared
}

/// Frames one final response (RFC 9112 §6); a second head, or a body without one, is a programming error.
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
        /// As the bytes are; whoever takes them is told of the end (HTTP/2).
        case unframed
    }

    private(set) var state = State.head
    private(set) var status = 0
    /// Body bytes of the handler that were sent as content.
    private(set) var contentBytes: UInt64 = 0
    /// The connection ends after this response.
    private(set) var closes = false
    /// The response stays shorter than it should be.
    private(set) var isCut = false

    var isHeadSent: Bool {
        if case .head = state { return false }
        return true
    }

    var isFinished: Bool {
        if case .finished = state { return true }
        return false
    }

    /// Whether the end of the body under way is that of the connection.
    var isEndedByClosing: Bool {
        if case .body(.untilClose) = state { return true }
        return false
    }

    /// What of the request decides about framing.
    struct Request {
        var isHead: Bool
        var version: HTTPVersion
        var keepAlive: Bool
    }

    /// Writes the status line; field lines follow, then `endHead`.
    mutating func beginHead(status: Int, reason: UnsafeRawBufferPointer, to output: inout OutputBuffer) {
        precondition(!isHeadSent, "one final response per exchange")
        self.status = status
        output.append("HTTP/1.1 ")
        output.appendDecimal(UInt64(status))
        output.append(" ")
        unsafe output.append(reason)
        output.append("\r\n")
    }

    mutating func noteStatus(_ status: Int) {
        precondition(!isHeadSent, "one final response per exchange")
        self.status = status
    }

    /// Decides the framing, writes the fields that tell it, and the empty line.
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

    /// As `endHead(_:answering:to:)` for a head whose fields tell the length already.
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

    /// Frames body bytes; returns how many were beyond a known length and therefore dropped.
    mutating func write(_ bytes: UnsafeRawBufferPointer, to output: inout OutputBuffer) -> Int {
        guard case .body(let framing) = state else { preconditionFailure("a body follows its head") }
        switch framing {
        case .suppressed: return 0
        case .length(let remaining):
            let count = min(bytes.count, Int(clamping: remaining))
            unsafe output.append(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            contentBytes += UInt64(count)
            state = .body(.length(remaining: remaining - UInt64(count)))
            return bytes.count - count
        case .chunked:
            guard bytes.count > 0 else { return 0 }
            output.appendChunkLine(bytes.count)
            unsafe output.append(bytes)
            output.append("\r\n")
        case .untilClose, .unframed:
            unsafe output.append(bytes)
        }
        contentBytes += UInt64(bytes.count)
        return 0
    }

    /// How further bytes of the body reach the client.
    enum Passage {
        /// Not at all.
        case nothing
        /// As they are; this many at most.
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

    /// Counts body bytes that were sent past the output, where `passage` is unframed.
    mutating func noteSent(_ count: Int) {
        contentBytes += UInt64(count)
        if case .body(.length(let remaining)) = state { state = .body(.length(remaining: remaining - UInt64(count))) }
    }

    /// Ends the body; false when fewer bytes came than were promised, so that only closing tells the client.
    ///
    /// - Parameter trailers: field lines each ended by CRLF, sent where the framing has room for them
    ///   (RFC 9112 §7.1.2).
    mutating func finish(trailers: UnsafeRawBufferPointer? = nil, to output: inout OutputBuffer) -> Bool {
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
            if let trailers = unsafe trailers { unsafe output.append(trailers) }
            output.append("\r\n")
            return true
        }
    }

    /// Begins a message that ends with its head (101); what follows on the connection is not HTTP.
    mutating func switchProtocols(reason: UnsafeRawBufferPointer, to output: inout OutputBuffer) {
        unsafe beginHead(status: 101, reason: reason, to: &output)
        state = .finished
        closes = true
    }

    /// Gives up on the response; the connection cannot go on.
    mutating func abandon() {
        state = .finished
        isCut = true
        closes = true
    }

    /// Ends the connection after this response, even when its head did not say so.
    mutating func closeAfterwards() {
        closes = true
    }
}
