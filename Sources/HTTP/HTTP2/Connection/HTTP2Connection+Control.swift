// Frames for the connection and for streams, without fields or content.
extension HTTP2Connection {
    mutating func takeSettings(
        _ header: FrameHeader, _ payload: RawSpan, output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        if try SettingsFrame.isAcknowledgement(header) {
            guard unacknowledgedSettings > 0 else { throw .unexpectedSettingsAck }
            unacknowledgedSettings -= 1
            decoder.limitTable(to: limits.headerTable)
            shrinkEarlyWindows(output: &output)
            return nil
        }
        try charge(.settings, now: now)
        var window: Int?
        var table: (smallest: Int, last: Int)?
        try SettingsFrame.parse(payload) { setting, value throws(HTTP2Fault) in
            switch setting {
            case .headerTableSize: table = (min(table?.smallest ?? .max, Int(value)), Int(value))
            case .initialWindowSize: window = Int(value)
            case .maximumFrameSize: peer.maximumFrame = Int(value)
            default: break
            }
        }
        if let table {
            encoder.limitTable(to: table.smallest)
            encoder.limitTable(to: table.last)
        }
        SettingsFrame.encodeAcknowledgement(to: &output)
        guard let window, window != peer.initialWindow else { return nil }
        let change = window - peer.initialWindow
        peer.initialWindow = window
        guard streams.changeSendWindows(by: change) else { throw .settingOverflowsWindow }
        return change > 0 && streams.hasQueued ? .writable : nil
    }

    /// The initial window of a stream: at least the default of the protocol as long as the client may not know that the
    /// gateway's is smaller (RFC 9113 §6.5.3).
    var firstReceiveWindow: Int {
        unacknowledgedSettings > 0 ? max(limits.initialWindow, FlowControl.initialWindow) : limits.initialWindow
    }

    /// Reduces windows as the client, which has just acknowledged the gateway's SETTINGS, has reduced them (§6.9.2).
    private mutating func shrinkEarlyWindows(output: inout OutputBuffer) {
        let excess = FlowControl.initialWindow - limits.initialWindow
        guard unacknowledgedSettings == 0, excess > 0 else { return }
        streams.shrinkReceiveWindows(by: excess) { id, increment in
            WindowUpdateFrame.encode(increment, stream: id, to: &output)
        }
    }

    mutating func takePing(
        _ header: FrameHeader, _ payload: RawSpan, output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        let content = try PingFrame.content(header, payload)
        if header.has(FrameFlag.acknowledgement) {
            return content == Self.drainPing && drain == .announced ? .drainSeen : nil
        }
        try charge(.pings, now: now)
        PingFrame.encode(content, isAcknowledgement: true, to: &output)
        return nil
    }

    mutating func takeWindowUpdate(
        _ header: FrameHeader, _ payload: RawSpan, output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        let increment = try WindowUpdateFrame.increment(header, payload)
        guard floods.chargeWindowUpdate(limits.floods, now: now) else { throw .floodOfWindowUpdates }
        if header.stream == 0 {
            guard increment > 0 else { throw .emptyConnectionWindowUpdate }
            guard sendWindow.change(by: increment) else { throw .connectionWindowOverflow }
            return streams.hasQueued ? .writable : nil
        }
        guard let reference = streams.find(header.stream) else {
            var state = stateOfMissing(header.stream)
            if case .fault(let fault) = state.receive(.windowUpdate) { throw fault }
            return nil
        }
        guard increment > 0 else { return try refuse(header.stream, .emptyWindowUpdate, output: &output, now: now) }
        guard streams[reference].sendWindow.change(by: increment) else {
            return try refuse(header.stream, .streamWindowOverflow, output: &output, now: now)
        }
        guard streams[reference].wantsToSend else { return nil }
        streams.queue(reference)
        return .writable
    }

    mutating func takeReset(
        _ header: FrameHeader, _ payload: RawSpan, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        let code = try ResetStreamFrame.code(header, payload)
        guard let reference = streams.find(header.stream) else {
            var state = stateOfMissing(header.stream)
            if case .fault(let fault) = state.receive(.resetStream) { throw fault }
            try charge(.unknownFrames, now: now)
            return nil
        }
        if streams[reference].state.awaitsResponse { try charge(.resets, now: now) }
        _ = streams[reference].state.receive(.resetStream)
        forget(reference)
        return .reset(reference, code)
    }

    mutating func takePriority(
        _ header: FrameHeader, _ payload: RawSpan, output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        try charge(.priorities, now: now)
        do throws(HTTP2Fault) {
            try PriorityFrame.check(header, payload)
            return nil
        } catch {
            guard error.isStreamError else { throw error }
            // An idle stream cannot be reset.
            guard !isIdle(header.stream) else {
                throw error == .invalidPriorityFrame ? .invalidFrameSize : .invalidStreamID
            }
            return try refuse(header.stream, error, output: &output, now: now)
        }
    }

    mutating func takePriorityUpdate(
        _ header: FrameHeader, _ payload: RawSpan, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        try charge(.priorities, now: now)
        let frame = try PriorityUpdateFrame(header, payload)
        if let reference = streams.find(frame.prioritized) {
            streams[reference].isReprioritized = true
            streams.reprioritize(reference, frame.priority)
        } else if frame.prioritized > lastStream {
            earlyPriorities.note(frame.prioritized, frame.priority)
        }
        return nil
    }
}
