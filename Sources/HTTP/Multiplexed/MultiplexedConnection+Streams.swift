import Memory
import Transport

/// The functions that streams call on their connection: scheduling, and writing frames.
extension MultiplexedConnection {
    // MARK: Scheduling

    /// The number of content bytes that the stream may send now; if there are none, the stream is queued.
    ///
    /// Streams are scheduled by urgency (RFC 9218 §10). One stream at a time is resumed.
    @inline(__always)
    func takeTurn(_ stream: StreamConnection, upTo wanted: Int) -> Int {
        warmOutput()
        let reference = stream.reference
        guard isTurn(of: reference) else { return wait(stream) }
        if output.count + FrameHeader.count >= Self.outputHighWater, !makeRoom() { return wait(stream) }
        let room = min(http.room(of: reference), wanted, Self.outputHighWater - output.count - FrameHeader.count)
        return room > 0 ? room : wait(stream)
    }

    @inline(__always)
    private func isTurn(of reference: StreamReference) -> Bool {
        !http.streams.hasQueued || http.nextToSend() == reference
    }

    @inline(never)
    private func wait(_ stream: StreamConnection) -> Int {
        stream.point.maySend = false
        stream.isQueued = true
        if granted === stream { granted = nil }
        http.setWantsToSend(true, stream.reference)
        flushAtEndOfTurn()
        return 0
    }

    private func queue(_ stream: StreamConnection) -> ClientConnection.PassResult {
        _ = wait(stream)
        return .wait(.writable)
    }

    /// Sends the output before the end of the turn; false if that has to wait.
    private func makeRoom() -> Bool {
        guard turnRoom > 0, !isBlocked else { return false }
        passOutput()
        return output.count + FrameHeader.count < Self.outputHighWater
    }

    /// Removes the stream from the queue: it has nothing more to send for now.
    func leaveQueue(_ stream: StreamConnection) {
        stream.isQueued = false
        if granted === stream { granted = nil }
        http.setWantsToSend(false, stream.reference)
        grant()
    }

    /// Resumes the next queued stream, if there is room for its content.
    func grant() {
        guard granted == nil, !isBlocked, output.count + FrameHeader.count < Self.outputHighWater,
            let reference = http.nextToSend(), let stream = find(reference)
        else { return }
        granted = stream
        stream.point.maySend = true
    }

    // MARK: Frames

    /// Writes a head; `write` passes the field lines to its argument and returns whether the head ends the stream.
    ///
    /// - Returns: whether the head ends the stream; nil if the stream no longer exists.
    @inline(__always)
    func writeHead(
        _ status: Int, of reference: StreamReference, isFinal: Bool, _ write: ((borrowing FieldLine) -> Void) -> Bool
    ) -> Bool? {
        guard let start = http.beginHead(status: status, of: reference, to: &output) else { return nil }
        let endsStream = write { line in
            http.writeField(line.name, line.value, to: &output)
        }
        http.endHead(at: start, of: reference, isFinal: isFinal, endsStream: endsStream, to: &output)
        flushAtEndOfTurn()
        writtenHead = start
        return endsStream
    }

    /// Writes the head at the start of a stream's output, if it equals the head written last, and returns its length.
    @inline(__always)
    func writeLastHead(
        in text: ByteView, of reference: StreamReference, _ endsStream: (Int) -> Bool
    ) -> (length: Int, isSent: Bool)? {
        warmOutput()
        guard let length = lastHead.length(in: text, version: http.encoderVersion) else { return nil }
        let isSent = lastHead.withBlock {
            http.writeHead(of: reference, as: $0, endsStream: endsStream(length), to: &output)
        }
        flushAtEndOfTurn()
        return (length, isSent)
    }

    /// Stores the final head that was just written from `text`.
    func keepHead(_ text: ByteView) {
        if let block = http.blockOfIndices(at: writtenHead, in: output) {
            lastHead.keep(text, block, version: http.encoderVersion)
        }
    }

    func sendTrailers(_ lines: ByteView, of reference: StreamReference) {
        guard let start = http.beginHead(status: nil, of: reference, to: &output) else { return }
        http.writeFields(lines, to: &output)
        http.endHead(at: start, of: reference, endsStream: true, to: &output)
        flushAtEndOfTurn()
    }

    /// Sends content; there must be room for it.
    @inline(__always)
    func sendContent(_ bytes: ByteView, of stream: StreamConnection, endsStream: Bool) {
        http.beginContent(bytes.count, of: stream.reference, endsStream: endsStream, to: &output)
        output.append(bytes)
        stream.point.noteSent(bytes.count)
        flushAtEndOfTurn()
    }

    /// Reads the next bytes of `source`, at most `limit`, into a frame in the output; a frame of `endsAt` bytes ends the
    /// stream.
    func sendRead(
        _ source: BodySource, of stream: StreamConnection, upTo limit: Int, endsAt: Int
    ) -> ClientConnection.PassResult {
        let room = takeTurn(stream, upTo: limit)
        guard room > 0 else { return .wait(.writable) }
        let start = output.count
        var outcome = BodySource.Outcome.ended
        output.append(upTo: FrameHeader.count + room) { space in
            outcome = source.read(into: space[FrameHeader.count...])
            guard case .bytes(let count) = outcome else { return 0 }
            return FrameHeader.count + count
        }
        switch outcome {
        case .absent: return .load
        case .ended: return .ended
        case .bytes(let count):
            http.placeContent(count, of: stream.reference, endsStream: count == endsAt, at: start, in: &output)
            stream.point.noteSent(count)
            flushAtEndOfTurn()
            return .sent(count)
        }
    }

    /// As `sendRead`, for bytes in memory or of a mapped file, which are not copied: they become one record of TLS,
    /// together with the output before them and the header of their frame.
    func sendInPlace(
        _ source: BodySource, of stream: StreamConnection, upTo limit: Int, endsAt: Int
    ) -> ClientConnection.PassResult {
        warmOutput()
        guard isTurn(of: stream.reference), turnRoom > 0, !isBlocked else { return queue(stream) }
        if output.count > Self.sealedOutput {
            passOutput()
            if isBlocked { return queue(stream) }
        }
        guard end != .failed else { return .failed(.reset) }
        let room = min(http.room(of: stream.reference), limit, self.stream.pieceSize - output.count - FrameHeader.count)
        guard room > 0 else { return queue(stream) }
        let piece = source.piece(upTo: room)
        guard let content = piece?.bytes ?? source.bytes(upTo: room) else { return .ended }
        let count = content.count
        DataFrame.encodeHeader(
            count: count, endsStream: count == endsAt, stream: stream.reference.id, to: &output)
        switch self.stream.writePiece(content, of: piece, after: output.unsent) {
        case .bytes(let sealed):
            output.removeAll()
            turnRoom -= sealed
            times.lastSent = socket.worker.now
            http.noteContent(count, of: stream.reference, endsStream: count == endsAt)
            stream.point.noteSent(count)
            flushAtEndOfTurn()
            return .sent(count)
        case .wouldBlock:
            output.removeLast(FrameHeader.count)
            isBlocked = true
            return queue(stream)
        case .failed(.contentLost):
            output.removeLast(FrameHeader.count)
            return .ended
        case .failed, .end:
            lost()
            return .failed(.reset)
        }
    }

    /// The limit of other output that is sealed together with content.
    private static var sealedOutput: Int { 2 << 10 }

    /// Returns flow-control credit to the client for content that has been read.
    func useContent(_ count: Int, of reference: StreamReference) {
        let known = output.count
        http.useContent(count, of: reference, to: &output)
        if output.count > known { flushAtEndOfTurn() }
    }
}
