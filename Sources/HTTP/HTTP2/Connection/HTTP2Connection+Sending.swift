import Memory

// Frames that the server sends: heads, content, resets, window updates and GOAWAY.
extension HTTP2Connection {
    // MARK: Heads

    /// Begins a head, final or interim, or trailers if there is no status; fields follow, then `endHead`.
    ///
    /// - Returns: its position in the output, for `endHead`; nil if the stream no longer exists.
    @inline(__always)
    package mutating func beginHead(
        status: Int?, of reference: StreamReference, to output: inout OutputBuffer
    ) -> Int? {
        guard streams.contains(reference), streams[reference].state.awaitsResponse else { return nil }
        let start = HeadersFrame.begin(in: &output)
        encoder.beginBlock(to: &output)
        if let status { encoder.encode(status: status, to: &output) }
        return start
    }

    /// Writes a field of a head, unless it is connection-specific and therefore not allowed in HTTP/2 (RFC 9113
    /// §8.2.2).
    @inline(__always)
    package mutating func writeField(
        _ name: ByteView, _ value: ByteView, to output: inout OutputBuffer
    ) {
        guard FieldName(name.bytes, from: 0, to: name.count) != .connectionSpecific else { return }
        encoder.encode(name, value, to: &output)
    }

    package mutating func writeField(
        _ name: StaticString, _ value: ByteView, to output: inout OutputBuffer
    ) {
        encoder.encode(name, value, to: &output)
    }

    /// Writes field lines, each terminated by CRLF, as in an HTTP/1 head.
    package mutating func writeFields(_ lines: ByteView, to output: inout OutputBuffer) {
        var lines = FieldLines(lines)
        while let line = lines.next() { writeField(line.name, line.value, to: &output) }
    }

    /// Ends the head that begins at `start`, in the same turn.
    package mutating func endHead(
        at start: Int, of reference: StreamReference, isFinal: Bool = true, endsStream: Bool,
        to output: inout OutputBuffer
    ) {
        HeadersFrame.end(
            at: start, stream: reference.id, endsStream: endsStream, maximumLength: peer.maximumFrame, in: &output)
        if isFinal { streams[reference].isHeadSent = true }
        if endsStream { endResponse(reference) }
    }

    /// Writes a complete final head that was written before and consisted of indices only.
    ///
    /// - Parameter block: the `blockOfIndices` of the earlier head, which `encoderVersion` has shown to be still valid.
    @inline(__always)
    package mutating func writeHead(
        of reference: StreamReference, as block: ByteView, endsStream: Bool, to output: inout OutputBuffer
    ) -> Bool {
        guard let start = beginHead(status: nil, of: reference, to: &output) else { return false }
        output.append(block)
        endHead(at: start, of: reference, endsStream: endsStream, to: &output)
        return true
    }

    /// While this value is unchanged, all indices keep their meaning.
    package var encoderVersion: UInt64 { encoder.version }

    /// The field block of the last frame in the output, a HEADERS frame at `start`, if it consists of indices only.
    package func blockOfIndices(at start: Int, in output: borrowing OutputBuffer) -> ByteView? {
        let block = output.unsent[(start + FrameHeader.count)...]
        // Each index is a single octet.
        guard block.count <= 64, block.allSatisfy({ $0 > 0x80 && $0 < 0xFF }) else { return nil }
        return block
    }

    // MARK: Content

    /// The number of content bytes that may be sent on a stream now.
    @inline(__always)
    package func room(of reference: StreamReference) -> Int {
        guard streams.contains(reference) else { return 0 }
        return max(0, min(streams[reference].sendWindow.size, sendWindow.size, peer.maximumFrame))
    }

    /// Writes the header of a DATA frame; `count` bytes of content, which fit in `room(of:)`, must be available and
    /// follow.
    @inline(__always)
    package mutating func beginContent(
        _ count: Int, of reference: StreamReference, endsStream: Bool, to output: inout OutputBuffer
    ) {
        DataFrame.encodeHeader(count: count, endsStream: endsStream, stream: reference.id, to: &output)
        noteContent(count, of: reference, endsStream: endsStream)
    }

    /// Like `beginContent`, for content that is already in the output, after space for the header at `start`.
    package mutating func placeContent(
        _ count: Int, of reference: StreamReference, endsStream: Bool, at start: Int, in output: inout OutputBuffer
    ) {
        let flags = endsStream ? FrameFlag.endStream : 0
        let header = FrameHeader(.data, flags: flags, stream: reference.id, length: count)
        output.overwrite(at: start, count: FrameHeader.count) { header.write(to: $0) }
        noteContent(count, of: reference, endsStream: endsStream)
    }

    /// Accounts for a DATA frame that the caller has written itself, with `count` bytes that fit in `room(of:)`.
    @inline(__always)
    package mutating func noteContent(_ count: Int, of reference: StreamReference, endsStream: Bool) {
        streams[reference].sendWindow.send(count)
        sendWindow.send(count)
        if count > 0 { floods.noteDataSent() }
        if endsStream { endResponse(reference) } else { streams.sentPart(of: reference) }
    }

    /// Sets whether a stream has content that waits for a window, or is queued (`StreamTable.nextToSend`).
    package mutating func setWantsToSend(_ wants: Bool, _ reference: StreamReference) {
        guard streams.contains(reference) else { return }
        streams[reference].wantsToSend = wants
        if wants { streams.queue(reference) } else { streams.unqueue(reference) }
    }

    /// The next stream to send; nil if the connection's window is empty or no stream may send.
    package func nextToSend() -> StreamReference? { sendWindow.size > 0 ? streams.nextToSend() : nil }

    private mutating func endResponse(_ reference: StreamReference) {
        streams[reference].wantsToSend = false
        streams.unqueue(reference)
        streams[reference].state.sendEnd()
        if streams[reference].state.isClosed { forget(reference) }
    }

    /// Ends a stream early: with `noError` after a complete response to an incomplete request, and with `cancel` or
    /// `internalError` without a complete response.
    package mutating func reset(_ reference: StreamReference, _ code: ErrorCode, to output: inout OutputBuffer) {
        guard streams.contains(reference) else { return }
        ResetStreamFrame.encode(code, stream: reference.id, to: &output)
        streams[reference].state.sendReset()
        forget(reference)
    }

    // MARK: Windows

    /// Records that content of a request has been used, so that the client may send as much again.
    ///
    /// Content of a stream that no longer exists still counts for the connection.
    package mutating func useContent(_ count: Int, of reference: StreamReference, to output: inout OutputBuffer) {
        use(count, of: reference, to: &output)
    }

    mutating func use(_ count: Int, of reference: StreamReference, to output: inout OutputBuffer) {
        useConnectionWindow(count, to: &output)
        guard streams.contains(reference), let increment = streams[reference].receiveWindow.use(count),
            streams[reference].state.awaitsRequest
        else { return }
        WindowUpdateFrame.encode(increment, stream: reference.id, to: &output)
    }

    mutating func useConnectionWindow(_ count: Int, to output: inout OutputBuffer) {
        guard let increment = receiveWindow.use(count) else { return }
        WindowUpdateFrame.encode(increment, stream: 0, to: &output)
    }

    // MARK: Closing

    /// Announces that the connection ends (RFC 9113 §6.8): the client must not open further streams, and streams
    /// already in transit are answered. The event `drainSeen` indicates that `finishDrain` is due, unless a timeout
    /// expires first.
    package mutating func announceDrain(to output: inout OutputBuffer) {
        guard drain == .none else { return }
        drain = .announced
        GoAwayFrame.encode(lastStream: 1 << 31 - 1, .noError, to: &output)
        PingFrame.encode(Self.drainPing, isAcknowledgement: false, to: &output)
    }

    /// Sends the GOAWAY with the last stream that is answered; the connection ends after these streams.
    package mutating func finishDrain(to output: inout OutputBuffer) {
        if case .final = drain { return }
        drain = .final(lastStream)
        GoAwayFrame.encode(lastStream: lastStream, .noError, to: &output)
    }
}
