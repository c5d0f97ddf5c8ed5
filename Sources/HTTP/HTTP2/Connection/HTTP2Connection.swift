/// The server's end of a connection of HTTP/2 (RFC 9113), without its descriptor: a value that is told what arrives and
/// what is to be sent.
///
/// `next` takes bytes and says what came of them; answers that the protocol itself owes (acknowledgements, resets,
/// windows) go into the output by themselves. The methods of `HTTP2Connection+Sending` write heads and content into the
/// same output, so all that a turn has produced leaves in one write. A stream is known by a reference that outlives it:
/// what is asked of one that is gone does nothing.
///
/// Whoever drives it keeps unconsumed bytes, up to `inputNeeded`, decides when to wait, and has an eye on the time: of
/// SETTINGS that are not acknowledged, of a preface, of a field block, of contents that do not come and of responses that
/// are not taken (`ResponseProgress`).
@safe
package struct HTTP2Connection: ~Copyable {
    package let limits: HTTP2Limits
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
    /// Bytes of a frame that nobody looks at.
    var skipped = 0
    /// SETTINGS of ours that the peer has not acknowledged.
    package internal(set) var unacknowledgedSettings = 0
    var drain = Drain.none
    /// The greatest stream the peer has used.
    package internal(set) var lastStream: UInt32 = 0
    /// Requests begun, those refused included.
    package internal(set) var requestCount = 0
    var earlyPriorities = EarlyPriorities()

    enum Phase: Equatable {
        case preface
        /// The first frame has to be SETTINGS.
        case firstFrame
        case open
        case failed(HTTP2Fault)
    }

    /// How far the connection has come in telling the client to open no more streams (RFC 9113 §6.8).
    enum Drain: Equatable, BitwiseCopyable {
        case none
        /// GOAWAY has announced it; streams that are on their way are still answered.
        case announced
        /// Streams beyond this one are not.
        case final(UInt32)
    }

    /// A frame of DATA whose content is still arriving.
    struct DataInFlight {
        var stream: StreamReference?
        /// Bytes of content to come.
        var remaining = 0
        var endsStream = false
    }

    /// The content of the PING that follows the first GOAWAY.
    static var drainPing: UInt64 { 0x6973_6167_6174_6521 }

    package init(limits: HTTP2Limits = HTTP2Limits(), now: Int64) {
        self.limits = limits
        encoder = HPACKEncoder(maximumTable: limits.encoderTable)
        receiveWindow = ReceiveWindow(FlowControl.initialWindow)
        uploads = UploadBudget(
            max(0, limits.connectionWindow - limits.initialWindow),
            largestShare: max(0, limits.largestWindow - limits.initialWindow))
        floods = FloodGuard(now: now)
        closedStreams = ClosedStreams(capacity: max(limits.maximumStreams, 1))
    }

    /// Writes what the server says first: its settings, and the window of the connection.
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

    /// Bytes of input that there must be room for.
    package static var inputNeeded: Int { FrameHeader.count + FrameHeader.defaultMaximumLength }

    /// Whether a field block has begun and not ended, so that nothing else can come.
    package var awaitsFieldBlock: Bool { block.stream != 0 }

    /// Whether the client has been told that later streams are not answered.
    package var isDraining: Bool { drain != .none }

    /// Whether the preface and the client's settings have come.
    package var hasBegun: Bool { phase == .open }

    /// Whether the client knows which streams are answered.
    package var hasFinishedDrain: Bool {
        if case .final = drain { return true }
        return false
    }

    /// Gives memory back that an idle connection does not need.
    package mutating func trim() {
        guard streams.count == 0 else { return }
        streams.trim()
        closedStreams.forget(upTo: lastStream)
        encoder.trim()
    }

    /// Takes the bytes of `input` from `offset` on, as far as the next event.
    ///
    /// - Parameter now: in milliseconds, of any clock that only goes forward.
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

    /// Ends the connection for a fault of the peer: GOAWAY says which.
    package mutating func fail(_ fault: HTTP2Fault, to output: inout OutputBuffer) -> HTTP2Event {
        if case .failed(let earlier) = phase { return .failed(earlier) }
        phase = .failed(fault)
        data = DataInFlight()
        skipped = 0
        // A later GOAWAY never names a later stream (RFC 9113 §6.8).
        var last = lastStream
        if case .final(let told) = drain { last = min(last, told) }
        GoAwayFrame.encode(lastStream: last, fault.code, reason: fault.reason, to: &output)
        return .failed(fault)
    }
}
