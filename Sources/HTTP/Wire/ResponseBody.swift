/// The read state of an upstream response body: a value that is updated with the received bytes.
package struct ResponseBody: BitwiseCopyable {
    private enum State: BitwiseCopyable {
        case length(remaining: UInt64)
        case chunked(ChunkedDecoder)
        case untilClose
        case ended
    }

    /// The next action for reading the body; offsets are relative to the first unread byte.
    package enum Step: Equatable {
        /// The bytes in the range are content; they and those before them are consumed.
        case content(Range<Int>)
        /// The bytes in the range are a trailer field; they, those before them and the CRLF after them are consumed.
        case trailer(Range<Int>)
        /// Except for `consumed`, the unread bytes are incomplete; more have to be received.
        case receive(consumed: Int)
        case ended(consumed: Int)
    }

    private var state: State

    package init(_ framing: ResponseFraming) {
        switch framing {
        case .none: state = .ended
        case .length(let count): state = .length(remaining: count)
        case .chunked: state = .chunked(ChunkedDecoder())
        case .untilClose: state = .untilClose
        }
    }

    package mutating func next(_ unread: RawSpan) throws(ResponseRejection) -> Step {
        switch state {
        case .ended: return .ended(consumed: 0)
        case .length(let remaining):
            guard unread.byteCount > 0 else { return .receive(consumed: 0) }
            let count = Int(min(remaining, UInt64(unread.byteCount)))
            state = remaining == UInt64(count) ? .ended : .length(remaining: remaining - UInt64(count))
            return .content(0..<count)
        case .untilClose:
            return unread.byteCount > 0 ? .content(0..<unread.byteCount) : .receive(consumed: 0)
        case .chunked(var decoder):
            let step: ChunkedDecoder.Step
            do throws(RequestRejection) {
                step = try decoder.decode(unread)
            } catch {
                throw .malformed(error)
            }
            state = .chunked(decoder)
            switch step {
            case .data(let range): return .content(range)
            case .trailer(let range): return .trailer(range)
            case .needsMore(let consumed): return .receive(consumed: consumed)
            case .end(let consumed):
                state = .ended
                return .ended(consumed: consumed)
            }
        }
    }

    /// Whether the body is complete now that the server has closed the connection.
    package func isWholeAtClose() -> Bool {
        switch state {
        case .untilClose, .ended: true
        case .length, .chunked: false
        }
    }
}
