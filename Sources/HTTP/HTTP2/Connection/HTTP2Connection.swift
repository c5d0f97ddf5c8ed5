/// The server side of an HTTP/2 connection (RFC 9113) without input and output: a value that processes received bytes
/// and encodes what is to be sent.
///
/// `next` takes bytes and returns an event. Frames that the protocol itself requires in response (acknowledgements,
/// resets, window updates) are added to the output automatically. The methods in `HTTP2Connection+Sending` write heads
/// and content to the same output, so that everything produced in a turn is sent in one write. A stream is identified
/// by a reference that may outlive it: operations on a stream that no longer exists have no effect.
///
/// The caller keeps unconsumed bytes, up to `inputNeeded`, decides when to wait, and monitors timeouts: for the
/// acknowledgement of SETTINGS, a preface, a field block, content that does not arrive and responses that are not
/// accepted (`ResponseProgress`).
@safe
package struct HTTP2Connection: ~Copyable {
    private let sharedLimits: SharedHTTP2Limits
    package internal(set) var streams = StreamTable()
    var closedStreams: ClosedStreams
    var decoder = HPACKDecoder(maximumTable: 4096)
    var encoder: HPACKEncoder
    var peer = PeerSettings()
    var sendWindow = SendWindow(FlowControl.initialWindow)
    var receiveWindow: ReceiveWindow
    var uploads: UploadBudget
    var floods: FloodGuard
    var phase = Phase.preface
    var block = FieldBlock()
    var data = DataInFlight()
    /// The number of bytes of an ignored frame that are still to be skipped.
    var skipped = 0
    /// The number of SETTINGS frames that the peer has not acknowledged.
    package internal(set) var unacknowledgedSettings = 0
    var drain = Drain.none
    /// The highest stream identifier that the peer has used.
    package internal(set) var lastStream: UInt32 = 0
    /// The number of requests, including rejected ones.
    package internal(set) var requestCount = 0
    var earlyPriorities = EarlyPriorities()

    enum Phase: Equatable {
        case preface
        /// The first frame must be SETTINGS.
        case firstFrame
        case open
        case failed(HTTP2Fault)
    }

    /// The progress of shutting the connection down by GOAWAY (RFC 9113 §6.8).
    enum Drain: Equatable, BitwiseCopyable {
        case none
        /// The first GOAWAY has been sent; streams in transit are still answered.
        case announced
        /// Streams beyond this one are not answered.
        case final(UInt32)
    }

    /// A DATA frame whose content is still being received.
    struct DataInFlight {
        var stream: StreamReference?
        /// The number of content bytes still to come.
        var remaining = 0
        var endsStream = false
    }

    /// The content of the PING that follows the first GOAWAY.
    static var drainPing: UInt64 { 0x6973_6167_6174_6521 }

    package init(limits shared: SharedHTTP2Limits, now: Int64) {
        sharedLimits = shared
        let limits = shared.limits
        encoder = HPACKEncoder(maximumTable: limits.encoderTable)
        receiveWindow = ReceiveWindow(FlowControl.initialWindow)
        uploads = UploadBudget(
            max(0, limits.connectionWindow - limits.initialWindow),
            largestShare: max(0, limits.largestWindow - limits.initialWindow))
        floods = FloodGuard(now: now)
        closedStreams = ClosedStreams(capacity: max(limits.maximumStreams, 1))
    }

    @inline(__always)
    package var limits: HTTP2Limits { sharedLimits.limits }

    /// Writes the first frames of the server: SETTINGS, and the connection's window.
    package mutating func begin(to output: inout OutputBuffer) {
        SettingsFrame.encode(
            [
                (.maximumConcurrentStreams, UInt32(clamping: limits.maximumStreams)),
                (.initialWindowSize, UInt32(clamping: limits.initialWindow)),
                (.maximumHeaderListSize, UInt32(clamping: limits.head.maximumHead)),
                (.headerTableSize, UInt32(clamping: min(limits.headerTable, DynamicTable.largestSize))),
                (.noRFC7540Priorities, 1),
            ], to: &output)
        unacknowledgedSettings += 1
        if let increment = receiveWindow.grow(to: limits.connectionWindow) {
            WindowUpdateFrame.encode(increment, stream: 0, to: &output)
        }
    }

    /// The number of input bytes for which the caller must have space.
    package static var inputNeeded: Int { FrameHeader.count + FrameHeader.defaultMaximumLength }

    /// Whether a field block has begun and not ended, so that only CONTINUATION frames may follow.
    package var awaitsFieldBlock: Bool { block.stream != 0 }

    /// Whether a GOAWAY has been sent.
    package var isDraining: Bool { drain != .none }

    /// Whether the preface and the client's SETTINGS have been received.
    package var hasBegun: Bool { phase == .open }

    /// Whether the final GOAWAY, with the last stream that is answered, has been sent.
    package var hasFinishedDrain: Bool {
        if case .final = drain { return true }
        return false
    }

    /// Releases memory that an idle connection does not need.
    package mutating func trim() {
        guard streams.count == 0 else { return }
        streams.trim()
        closedStreams.forget(upTo: lastStream)
        encoder.trim()
        decoder.trim()
    }

    /// Processes the bytes of `input` from `offset` on, up to the next event.
    ///
    /// - Parameter now: in milliseconds, of any monotonic clock.
    @inline(__always)
    package mutating func next(
        _ input: RawSpan, from offset: inout Int, into request: inout RequestAssembly, output: inout OutputBuffer,
        now: Int64
    ) -> HTTP2Event {
        do throws(HTTP2Fault) {
            while true {
                if let event = try step(input, from: &offset, into: &request, output: &output, now: now) {
                    return event
                }
            }
        } catch {
            return fail(error, to: &output)
        }
    }

    /// Ends the connection for a fault of the peer, with the error code in GOAWAY.
    package mutating func fail(_ fault: HTTP2Fault, to output: inout OutputBuffer) -> HTTP2Event {
        if case .failed(let earlier) = phase { return .failed(earlier) }
        phase = .failed(fault)
        data = DataInFlight()
        skipped = 0
        // A later GOAWAY never contains a higher stream identifier (RFC 9113 §6.8).
        var last = lastStream
        if case .final(let told) = drain { last = min(last, told) }
        GoAwayFrame.encode(lastStream: last, fault.code, reason: fault.reason, to: &output)
        return .failed(fault)
    }
}
