/// The read state of the current request's body: a value that is updated with the received bytes.
struct RequestBody {
    private enum State: BitwiseCopyable {
        case length(remaining: UInt64)
        case chunked(ChunkedDecoder, total: UInt64)
        /// HTTP/2: pieces are received in frames, and their end is indicated separately.
        case framed(remaining: UInt64?, total: UInt64)
        case ended
    }

    /// The next action for reading the body.
    enum Step: Equatable {
        /// The bytes in this range, relative to the first unread one, are content; they are consumed with this step.
        case content(Range<Int>, consumed: Int)
        /// The bytes in this range are a trailer field without its CRLF, which is consumed with them.
        case trailer(Range<Int>, consumed: Int)
        /// Except for `consumed`, the unread bytes are incomplete; more have to be received.
        case receive(consumed: Int)
        case ended(consumed: Int)
    }

    private var state = State.ended
    /// Whether reading has begun, so that the whole body can be expected to be read.
    private(set) var hasBegun = false
    /// The bytes of content that were received.
    private(set) var received: UInt64 = 0
    /// Whether 100 (Continue) still has to be sent to the client.
    private(set) var expectsContinue = false

    init() {}

    init(_ head: RequestHead) {
        switch head.framing {
        case .none: state = .ended
        case .length(let count) where head.version == .http2: state = .framed(remaining: count, total: 0)
        case .chunked where head.version == .http2: state = .framed(remaining: nil, total: 0)
        case .length(let count): state = count == 0 ? .ended : .length(remaining: count)
        case .chunked: state = .chunked(ChunkedDecoder(), total: 0)
        }
        expectsContinue = head.expectsContinue && !hasEnded
    }

    var hasEnded: Bool {
        if case .ended = state { return true }
        return false
    }

    /// The number of bytes still to come, if the framing states it.
    var remaining: UInt64? {
        switch state {
        case .length(let remaining): remaining
        case .framed(let remaining, _): remaining
        case .chunked: nil
        case .ended: 0
        }
    }

    /// Whether the body is received in frames, which are passed to `take`.
    @inline(__always)
    var isFramed: Bool {
        if case .framed = state { return true }
        return false
    }

    /// Accounts for a piece of a body that is received in frames.
    ///
    /// - Throws: `bodyTooLarge` after more than `limit` bytes.
    mutating func take(_ count: Int, limit: UInt64) throws(RequestRejection) {
        guard case .framed(let remaining, let total) = state else { return }
        guard total + UInt64(count) <= limit else { throw .bodyTooLarge }
        hasBegun = true
        received = total + UInt64(count)
        state = .framed(remaining: remaining.map { $0 - min($0, UInt64(count)) }, total: total + UInt64(count))
    }

    /// Called when no further piece follows.
    mutating func end() {
        hasBegun = true
        state = .ended
    }

    mutating func continueSent() {
        expectsContinue = false
    }

    /// - Throws: rejections of the decoder, and `bodyTooLarge` after more than `limit` bytes of content, or if the size
    ///   of a chunk would exceed the limit.
    mutating func next(_ unread: RawSpan, limit: UInt64) throws(RequestRejection) -> Step {
        hasBegun = true
        switch state {
        case .ended, .framed: return .ended(consumed: 0)
        case .length(let remaining):
            guard unread.byteCount > 0 else { return .receive(consumed: 0) }
            let count = Int(min(remaining, UInt64(unread.byteCount)))
            received += UInt64(count)
            state = remaining == UInt64(count) ? .ended : .length(remaining: remaining - UInt64(count))
            return .content(0..<count, consumed: count)
        case .chunked(var decoder, let total):
            switch try decoder.decode(unread) {
            case .data(let range):
                let total = total + UInt64(range.count)
                guard total <= limit, decoder.announced <= limit - total else { throw .bodyTooLarge }
                received = total
                state = .chunked(decoder, total: total)
                return .content(range, consumed: range.upperBound)
            case .trailer(let range):
                state = .chunked(decoder, total: total)
                return .trailer(range, consumed: range.upperBound + 2)
            case .needsMore(let consumed):
                guard total <= limit, decoder.announced <= limit - total else { throw .bodyTooLarge }
                state = .chunked(decoder, total: total)
                return .receive(consumed: consumed)
            case .end(let consumed):
                state = .ended
                return .ended(consumed: consumed)
            }
        }
    }
}
