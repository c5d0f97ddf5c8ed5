/// How far the body of the current request has been read: a value, told what arrives.
struct RequestBody {
    private enum State: BitwiseCopyable {
        case length(remaining: UInt64)
        case chunked(ChunkedDecoder, total: UInt64)
        /// Of HTTP/2: pieces come, and their end is told beside them.
        case framed(remaining: UInt64?, total: UInt64)
        case ended
    }

    /// What to do to get further.
    enum Step: Equatable {
        /// These bytes, counted from the first unread one, are content; they are consumed with this step.
        case content(Range<Int>, consumed: Int)
        /// These bytes are a trailer field, without its CRLF, which is consumed with them.
        case trailer(Range<Int>, consumed: Int)
        /// The unread bytes but for `consumed` do not reach; more have to be received.
        case receive(consumed: Int)
        case ended(consumed: Int)
    }

    private var state = State.ended
    /// Whether somebody has begun to read it, and may be expected to read it all.
    private(set) var hasBegun = false
    /// Whether 100 (Continue) is still owed to the client.
    private(set) var owesContinue = false

    init() {}

    init(_ head: RequestHead) {
        switch head.framing {
        case .none: state = .ended
        case .length(let count) where head.version == .http2: state = .framed(remaining: count, total: 0)
        case .chunked where head.version == .http2: state = .framed(remaining: nil, total: 0)
        case .length(let count): state = count == 0 ? .ended : .length(remaining: count)
        case .chunked: state = .chunked(ChunkedDecoder(), total: 0)
        }
        owesContinue = head.expectsContinue && !hasEnded
    }

    var hasEnded: Bool {
        if case .ended = state { return true }
        return false
    }

    /// Bytes still to come, where the framing tells.
    var remaining: UInt64? {
        switch state {
        case .length(let remaining): remaining
        case .framed(let remaining, _): remaining
        case .chunked: nil
        case .ended: 0
        }
    }

    /// Whether it comes in frames, and `take` is told of them.
    @inline(__always)
    var isFramed: Bool {
        if case .framed = state { return true }
        return false
    }

    /// Takes a piece of a body that comes in frames.
    ///
    /// - Throws: `bodyTooLarge` once more than `limit` bytes came.
    mutating func take(_ count: Int, limit: UInt64) throws(RequestRejection) {
        guard case .framed(let remaining, let total) = state else { return }
        guard total + UInt64(count) <= limit else { throw .bodyTooLarge }
        hasBegun = true
        state = .framed(remaining: remaining.map { $0 - min($0, UInt64(count)) }, total: total + UInt64(count))
    }

    /// No further piece comes.
    mutating func end() {
        hasBegun = true
        state = .ended
    }

    mutating func continueSent() {
        owesContinue = false
    }

    /// - Throws: what the decoder refuses, and `bodyTooLarge` once more than `limit` bytes of content came or the size of
    ///   a chunk tells that they will.
    mutating func next(_ unread: RawSpan, limit: UInt64) throws(RequestRejection) -> Step {
        hasBegun = true
        switch state {
        case .ended, .framed: return .ended(consumed: 0)
        case .length(let remaining):
            guard unread.byteCount > 0 else { return .receive(consumed: 0) }
            let count = Int(min(remaining, UInt64(unread.byteCount)))
            state = remaining == UInt64(count) ? .ended : .length(remaining: remaining - UInt64(count))
            return .content(0..<count, consumed: count)
        case .chunked(var decoder, let total):
            switch try decoder.decode(unread) {
            case .data(let range):
                let total = total + UInt64(range.count)
                guard total <= limit, decoder.announced <= limit - total else { throw .bodyTooLarge }
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
