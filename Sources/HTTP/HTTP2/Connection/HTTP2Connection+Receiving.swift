// Receiving frames: each method returns an event, or nil if more input can be processed before the next event.
extension HTTP2Connection {
    mutating func step(
        _ input: RawSpan, from offset: inout Int, into request: inout RequestAssembly, output: inout OutputBuffer,
        now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        if data.remaining > 0 || data.endsStream {
            return takeContent(available: input.byteCount - offset, from: &offset, to: &output)
        }
        if skipped > 0 {
            let count = min(skipped, input.byteCount - offset)
            skipped -= count
            offset += count
            if skipped > 0 { return .receive }
        }
        if phase != .open, try !passPreface(input, from: &offset) { return .receive }
        guard input.byteCount - offset >= FrameHeader.count else { return .receive }
        let header = FrameHeader(input, at: offset)
        try check(header)
        if header.type == .data { return try takeData(header, input, from: &offset, output: &output, now: now) }
        guard let type = header.type else {
            try charge(.unknownFrames, now: now)
            offset += FrameHeader.count
            skipped = header.length
            return nil
        }
        let end = offset + FrameHeader.count + header.length
        guard input.byteCount >= end else { return .receive }
        let payload = input.extracting(offset + FrameHeader.count..<end)
        offset = end
        return try take(type, header, payload, into: &request, output: &output, now: now)
    }

    /// Skips the preface; false while it is incomplete.
    private mutating func passPreface(_ input: RawSpan, from offset: inout Int) throws(HTTP2Fault) -> Bool {
        switch phase {
        case .failed(let fault): throw fault
        case .open, .firstFrame: return true
        case .preface:
            guard let begins = ConnectionPreface.begins(input.extracting(offset..<input.byteCount)) else {
                return false
            }
            guard begins else { throw .invalidPreface }
            offset += ConnectionPreface.count
            phase = .firstFrame
            return true
        }
    }

    /// Rejects a frame by its header alone, without waiting for its payload.
    @inline(__always)
    private mutating func check(_ header: FrameHeader) throws(HTTP2Fault) {
        if phase == .firstFrame {
            guard header.type == .settings, !header.has(FrameFlag.acknowledgement) else {
                throw .firstFrameNotSettings
            }
            phase = .open
        }
        guard header.length <= FrameHeader.defaultMaximumLength else { throw .frameTooLarge }
        if block.stream != 0 {
            guard header.type == .continuation, header.stream == block.stream else { throw .continuationExpected }
        }
    }

    private mutating func take(
        _ type: FrameType, _ header: FrameHeader, _ payload: RawSpan, into request: inout RequestAssembly,
        output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        switch type {
        case .headers: try takeHeaders(header, payload, into: &request, output: &output, now: now)
        case .continuation: try takeContinuation(header, payload, into: &request, output: &output, now: now)
        case .windowUpdate: try takeWindowUpdate(header, payload, output: &output, now: now)
        case .resetStream: try takeReset(header, payload, now: now)
        case .settings: try takeSettings(header, payload, output: &output, now: now)
        case .ping: try takePing(header, payload, output: &output, now: now)
        case .goAway: .goAway(try GoAwayFrame(header, payload).code)
        case .priority: try takePriority(header, payload, output: &output, now: now)
        case .priorityUpdate: try takePriorityUpdate(header, payload, now: now)
        case .pushPromise: throw .pushFromClient
        case .data: nil
        }
    }

    /// Counts a frame or action that is rate-limited.
    @inline(__always)
    mutating func charge(_ kind: FloodKind, now: Int64) throws(HTTP2Fault) {
        guard floods.charge(kind, limits.floods, now: now) else { throw kind.fault }
    }

    /// Resets a stream, which may not exist, for a fault of the peer; the number of such resets is limited.
    mutating func refuse(
        _ id: UInt32, _ fault: HTTP2Fault, output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        guard fault.isStreamError else { throw fault }
        try charge(fault == .tooManyStreams ? .refusedStreams : .provokedResets, now: now)
        ResetStreamFrame.encode(fault.code, stream: id, to: &output)
        guard let reference = streams.find(id) else {
            if closedStreams.closing(of: id) == .skipped { closedStreams.remember(id, .resetByUs) }
            return nil
        }
        streams[reference].state.sendReset()
        forget(reference)
        return .streamFailed(reference, fault)
    }

    /// Removes a closed stream, and records how it was closed.
    mutating func forget(_ reference: StreamReference) {
        let stream = streams[reference]
        uploads.giveBack(stream.share)
        if case .closed(let closing) = stream.state { closedStreams.remember(stream.id, closing) }
        streams.remove(reference)
    }

    /// The state of a stream that is not in the table.
    func stateOfMissing(_ id: UInt32) -> StreamState {
        isIdle(id) ? .idle : .closed(closedStreams.closing(of: id))
    }

    /// Whether the stream has never been used; even identifiers are those of the server, which opens no streams.
    func isIdle(_ id: UInt32) -> Bool { id > lastStream || id % 2 == 0 }
}

// DATA.
extension HTTP2Connection {
    private mutating func takeData(
        _ header: FrameHeader, _ input: RawSpan, from offset: inout Int, output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        guard header.stream != 0 else { throw .frameOnWrongStream }
        let isPadded = header.has(FrameFlag.padded) && header.length > 0
        guard !isPadded || input.byteCount - offset > FrameHeader.count else { return .receive }
        let firstOctet = isPadded ? input.byte(at: offset + FrameHeader.count) : 0
        let content = try DataFrame.content(header, firstOctet: firstOctet)
        guard receiveWindow.receive(header.length) else { throw .connectionWindowExceeded }
        offset += FrameHeader.count
        let endsStream = header.has(FrameFlag.endStream)
        let padding = header.length - content.count
        guard let reference = streams.find(header.stream) else {
            var state = stateOfMissing(header.stream)
            useConnectionWindow(header.length, to: &output)
            skipped = header.length
            guard case .fault(let fault) = state.receive(.data(endsStream: endsStream)) else {
                if content.isEmpty { try charge(.unknownFrames, now: now) }
                return nil
            }
            return try refuse(header.stream, fault, output: &output, now: now)
        }
        if content.isEmpty && !endsStream { try charge(.emptyFrames, now: now) }
        if padding > content.count { try charge(.padding, now: now) }
        if let fault = receive(content.count, padding: padding, endsStream: endsStream, on: reference) {
            useConnectionWindow(header.length, to: &output)
            skipped = header.length
            return try refuse(header.stream, fault, output: &output, now: now)
        }
        // Padding counts as used when it is received.
        if padding > 0 { use(padding, of: reference, to: &output) }
        offset += isPadded ? 1 : 0
        skipped = padding - (isPadded ? 1 : 0)
        guard !content.isEmpty || endsStream else { return nil }
        data = DataInFlight(stream: reference, remaining: content.count, endsStream: endsStream)
        return nil
    }

    /// The fault of a DATA frame on an existing stream; nil if the frame was accepted.
    private mutating func receive(
        _ count: Int, padding: Int, endsStream: Bool, on reference: StreamReference
    ) -> HTTP2Fault? {
        if case .fault(let fault) = streams[reference].state.receive(.data(endsStream: endsStream)) { return fault }
        guard streams[reference].receiveWindow.receive(count + padding) else { return .streamWindowExceeded }
        guard let remaining = streams[reference].remainingContent else { return nil }
        guard UInt64(count) <= remaining else { return .contentTooLong }
        guard !endsStream || UInt64(count) == remaining else { return .contentTooShort }
        streams[reference].remainingContent = remaining - UInt64(count)
        return nil
    }

    /// Returns the received part of a frame's content.
    private mutating func takeContent(
        available: Int, from offset: inout Int, to output: inout OutputBuffer
    ) -> HTTP2Event? {
        let count = min(data.remaining, available)
        guard count > 0 || data.remaining == 0 else { return .receive }
        let range = offset..<offset + count
        offset += count
        data.remaining -= count
        let endsStream = data.remaining == 0 && data.endsStream
        let reference = data.stream
        if data.remaining == 0 { data = DataInFlight() }
        guard let reference, streams.contains(reference) else {
            useConnectionWindow(count, to: &output)
            return nil
        }
        if endsStream, streams[reference].state.isClosed { forget(reference) }
        return .content(reference, range, endsStream: endsStream)
    }
}
