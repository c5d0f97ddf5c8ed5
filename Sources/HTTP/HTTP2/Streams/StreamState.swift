/// The state of a stream (RFC 9113 §5.1) on a server that does not push, and its transitions for received frames.
package enum StreamState: Equatable, BitwiseCopyable, Sendable {
    case idle
    case open
    /// The request is complete.
    case halfClosedRemote
    /// The response is complete, the request is not.
    case halfClosedLocal
    case closed(Closing)

    /// How a stream was closed, which determines how late frames are handled.
    package enum Closing: UInt8, CaseIterable, BitwiseCopyable, Sendable {
        /// Both endpoints have sent END_STREAM.
        case ended
        case resetByPeer
        /// Frames that the peer sent before it knew of the reset may still arrive.
        case resetByUs
        /// No longer recorded.
        case forgotten
        /// Never opened, and closed by the first frame on a later stream (§5.1.1).
        case skipped
    }

    /// The properties of a frame that affect the state.
    package enum Received: Equatable, Sendable {
        case headers(endsStream: Bool)
        case data(endsStream: Bool)
        case resetStream
        case windowUpdate
        case priority
    }

    package enum Verdict: Equatable {
        case take
        case ignore
        case fault(HTTP2Fault)
    }

    /// Processes a frame from the peer; on a stream error the caller resets the stream.
    package mutating func receive(_ frame: Received) -> Verdict {
        switch self {
        case .idle: receiveIdle(frame)
        case .open: receiveOpen(frame, ended: .halfClosedRemote)
        case .halfClosedLocal: receiveOpen(frame, ended: .closed(.ended))
        case .halfClosedRemote: receiveHalfClosed(frame)
        case .closed(let closing): Self.receiveClosed(frame, closing)
        }
    }

    private mutating func receiveIdle(_ frame: Received) -> Verdict {
        switch frame {
        case .headers(let endsStream):
            self = endsStream ? .halfClosedRemote : .open
            return .take
        case .data, .resetStream, .windowUpdate: return .fault(.frameOnIdleStream)
        case .priority: return .ignore
        }
    }

    private mutating func receiveOpen(_ frame: Received, ended: StreamState) -> Verdict {
        switch frame {
        case .headers(let endsStream):
            // A second head can only be trailers, which end the stream (§8.1).
            guard endsStream else { return .fault(.trailersWithoutEnd) }
            self = ended
        case .data(let endsStream):
            if endsStream { self = ended }
        case .resetStream: self = .closed(.resetByPeer)
        case .windowUpdate: break
        case .priority: return .ignore
        }
        return .take
    }

    private mutating func receiveHalfClosed(_ frame: Received) -> Verdict {
        switch frame {
        case .headers: return .fault(.headersAfterEnd)
        case .data: return .fault(.dataAfterEnd)
        case .resetStream:
            self = .closed(.resetByPeer)
            return .take
        case .windowUpdate: return .take
        case .priority: return .ignore
        }
    }

    /// A frame that has no effect on a closed stream is ignored.
    private static func receiveClosed(_ frame: Received, _ closing: Closing) -> Verdict {
        switch (frame, closing) {
        case (.resetStream, _), (.windowUpdate, _), (.priority, _), (_, .resetByUs): .ignore
        case (_, .ended): .fault(.frameOnEndedStream)
        case (_, .resetByPeer), (_, .forgotten): .fault(.frameOnClosedStream)
        case (.headers, .skipped): .fault(.invalidStreamID)
        case (.data, .skipped): .fault(.frameOnIdleStream)
        }
    }

    /// Ends the response.
    package mutating func sendEnd() {
        switch self {
        case .open: self = .halfClosedLocal
        case .halfClosedRemote: self = .closed(.ended)
        case .idle, .halfClosedLocal, .closed: preconditionFailure("a response ends once, on a stream that is there")
        }
    }

    package mutating func sendReset() { self = .closed(.resetByUs) }

    package var isClosed: Bool {
        if case .closed = self { return true }
        return false
    }

    /// Whether more of the request may be received.
    package var awaitsRequest: Bool { self == .open || self == .halfClosedLocal }

    /// Whether a response still has to be sent.
    package var awaitsResponse: Bool { self == .open || self == .halfClosedRemote }
}
