import Memory
import Transport

/// Receiving from the client.
extension MultiplexedConnection {
    /// The result of reading in one turn.
    enum Reading {
        /// All available bytes have been processed.
        case done
        /// There may be more, for another turn or after the output has been sent.
        case more
        case ended
    }

    /// Reads and processes the available bytes, as far as there is room for the frames that answer them.
    func readTurn() -> Reading {
        warmOutput()
        let block = socket.worker.rentBlock()
        defer { socket.worker.returnBlock(block) }
        var filled = unread.count
        block.copy(unread)
        if filled > 0 { unread.removeAll() }
        var room = Self.bytesPerTurn
        var reading = Reading.more
        var needsMore = filled == 0
        while end == .none {
            if !needsMore { needsMore = take(block, &filled) }
            guard end == .none else { break }
            guard needsMore, room > 0, output.count < Self.readingHighWater else { break }
            switch stream.read(into: block[filled...]) {
            case .bytes(let count):
                filled += count
                room -= count
                needsMore = false
                continue
            case .wouldBlock: reading = .done
            case .end: reading = .ended
            case .failed:
                lost()
                reading = .ended
            }
            break
        }
        if filled > 0, end == .none { unread = Array(block.view[..<filled]) }
        noteWaits()
        coolOutput()
        return reading
    }

    /// Processes the frames in `block` and moves the rest of it to the front; false if the output has no room for more.
    private func take(_ block: MutableByteView, _ filled: inout Int) -> Bool {
        let request = service.requestAssembly
        let input = block.view[..<filled]
        var offset = 0
        var isSpent = false
        while end == .none, output.count < Self.readingHighWater {
            let event = http.next(
                input.bytes, from: &offset, into: &request.value, output: &output, now: now)
            if event == .receive {
                isSpent = true
                break
            }
            handle(event, input)
        }
        if offset > 0 {
            let left = filled - offset
            if left > 0 {
                block.move(offset..<filled, to: 0)
            }
            filled = left
        }
        if !output.isEmpty { flushAtEndOfTurn() }
        return isSpent
    }

    @inline(__always)
    private func handle(_ event: HTTP2Event, _ input: ByteView) {
        switch event {
        case .receive: break
        case .request(let reference, let endsStream): begin(reference, endsStream: endsStream)
        case .content(let reference, let range, let endsStream):
            if let stream = find(reference) {
                stream.receive(input[range], endsStream: endsStream)
            } else {
                http.useContent(range.count, of: reference, to: &output)
            }
        case .writable: grant()
        default: handleOther(event)
        }
    }

    @inline(never)
    private func handleOther(_ event: HTTP2Event) {
        switch event {
        case .refused(let reference, let rejection, let endsStream):
            begin(reference, endsStream: endsStream, refusedBy: rejection)
        case .malformed(_, let rejection): service.router.rejected(rejection, on: self, as: nil)
        case .trailers(let reference):
            guard let stream = find(reference) else { break }
            stream.receive(trailers: service.requestAssembly.value.fields.text)
        case .reset(let reference, _), .streamFailed(let reference, _): lose(reference)
        case .drainSeen:
            http.finishDrain(to: &output)
            flushAtEndOfTurn()
        case .goAway: times.isLeft = true
        case .failed(let fault):
            service.router.ended(fault, on: self)
            end = .closed
            hangUpStreams()
        case .receive, .request, .content, .writable: break
        }
    }
}
