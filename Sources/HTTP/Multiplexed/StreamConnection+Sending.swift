import Memory
import Transport

/// Converts the text of a response to frames.
extension StreamConnection {
    /// Whether all of the response is in the output, so that END_STREAM may be set on the last frame.
    private func isWhole(_ storage: Stored<ExchangeStorage>) -> Bool {
        let response = storage.value.response
        return response.isFinished && !response.isCut && !storage.value.resetsConnection
    }

    func sendNow(_ exchange: Exchange) throws(ExchangeFailure) -> Interest? {
        let storage = exchange.storage
        while true {
            switch phase {
            case .gone: throw .clientGone(.reset)
            case .ended:
                storage.value.output.removeAll()
                return nil
            case .head:
                guard !storage.value.output.isEmpty, sendHead(storage) else { return nil }
            case .content:
                if storage.value.output.isEmpty {
                    if isWhole(storage) { sendEnd(storage) }
                    leaveQueue()
                    return nil
                }
                guard sendContent(storage) else {
                    if storage.value.output.count <= Self.compactSize { storage.value.output.trim() }
                    return .writable
                }
                if storage.value.responseMeter.isWaiting { clientTookMore(exchange) }
            }
        }
    }

    /// If no more than this is unsent, only as much memory as needed is kept for it.
    private static var compactSize: Int { 4 << 10 }

    /// Sends the first head in the output; false if the head is not complete yet.
    private func sendHead(_ storage: Stored<ExchangeStorage>) -> Bool {
        let text = storage.value.output.unsent
        if let known = sendLastHead(text, storage) { return known }
        let bytes = text.bytes
        // "HTTP/1.1 200 …"
        var status = 0
        for place in 9..<12 { status = status * 10 + Int(bytes.byte(at: place) &- 0x30) }
        let isFinal = status >= 200
        // An interim head is written at once, the final one possibly in parts.
        guard !isFinal || storage.value.response.isHeadSent else { return false }
        let start = bytes.first(ASCII.lineFeed, from: 12, to: text.count) + 1
        var end = start
        let isWhole = isFinal && isWhole(storage) && storage.value.responseTrailers.isEmpty
        let isSent = withCarrier { carrier in
            carrier.writeHead(status, of: reference, isFinal: isFinal) { write in
                var lines = FieldLines(text[start...])
                while let line = lines.next(), line.line.count > 2 {
                    write(line)
                    end += line.line.count
                }
                end += 2
                return isWhole && end == text.count
            }
        }
        guard let endsStream = isSent else {
            phase = .gone
            return true
        }
        if isFinal { withCarrier { $0.keepHead(text[..<end]) } }
        storage.value.output.sent(end)
        if isFinal { phase = endsStream ? .ended : .content }
        return true
    }

    /// Sends a head that is the same as the last one of the connection; nil for any other.
    @inline(__always)
    private func sendLastHead(
        _ text: ByteView, _ storage: Stored<ExchangeStorage>
    ) -> Bool? {
        var endsStream = false
        let isWhole = isWhole(storage) && storage.value.responseTrailers.isEmpty
        let written = withCarrier { carrier in
            carrier.writeLastHead(in: text, of: reference) { length in
                endsStream = isWhole && length == text.count
                return endsStream
            }
        }
        guard let written else { return nil }
        guard written.isSent else {
            phase = .gone
            return true
        }
        storage.value.output.sent(written.length)
        phase = endsStream ? .ended : .content
        return true
    }

    /// Sends one DATA frame from the output; false if it has to wait.
    private func sendContent(_ storage: Stored<ExchangeStorage>) -> Bool {
        let waiting = storage.value.output.count
        let count = withCarrier { $0.takeTurn(self, upTo: waiting) }
        guard count > 0 else { return false }
        let endsStream = count == waiting && isWhole(storage) && storage.value.responseTrailers.isEmpty
        withCarrier { carrier in
            carrier.sendContent(
                storage.value.output.unsent[..<count], of: self,
                endsStream: endsStream)
        }
        storage.value.output.sent(count)
        if endsStream { phase = .ended }
        return true
    }

    private func sendEnd(_ storage: Stored<ExchangeStorage>) {
        phase = .ended
        if storage.value.responseTrailers.isEmpty {
            return withCarrier { carrier in
                carrier.sendContent(
                    ByteView(), of: self, endsStream: true)
            }
        }
        storage.value.responseTrailers.withBytes { lines in
            withCarrier { $0.sendTrailers(lines, of: reference) }
        }
    }

    // MARK: Files and memory

    /// Sends the next bytes in one DATA frame.
    func passNow(
        _ source: inout BodySource, upTo limit: Int, _ exchange: Exchange
    ) throws(ExchangeFailure) -> PassResult {
        let storage = exchange.storage
        if !storage.value.output.isEmpty, let interest = try sendNow(exchange) { return .wait(interest) }
        guard phase == .content else { return .failed(.reset) }
        var endsAt = Int.max
        if storage.value.responseTrailers.isEmpty, case .unframed(let rest) = exchange.passage {
            endsAt = Int(clamping: rest)
        }
        let result: PassResult
        if source.isAddressable, stream.pieceSize > 0 {
            guard source.checkPresence(upTo: Self.bytesPerTurn) else { return .load }
            result = withCarrier { $0.sendInPlace(source, of: self, upTo: limit, endsAt: endsAt) }
        } else {
            result = withCarrier { $0.sendRead(source, of: self, upTo: limit, endsAt: endsAt) }
        }
        if case .sent(let count) = result {
            if count == endsAt { phase = .ended }
            storage.value.response.noteSent(count)
            if storage.value.responseMeter.isWaiting { clientTookMore(exchange) }
        }
        return result
    }
}
