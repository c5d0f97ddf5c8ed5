import Transport

/// Converts the text of a response to frames.
extension StreamConnection {
    /// Whether all of the response is in the output, so that END_STREAM may be set on the last frame.
    private func isWhole(_ storage: UnsafeMutablePointer<ExchangeStorage>) -> Bool {
        let response = unsafe storage.pointee.response
        return unsafe response.isFinished && !response.isCut && !storage.pointee.resetsConnection
    }

    func sendNow(_ exchange: Exchange) throws(ExchangeFailure) -> Interest? {
        let storage = unsafe exchange.storage
        while true {
            switch phase {
            case .gone: throw .clientGone(.reset)
            case .ended:
                unsafe storage.pointee.output.removeAll()
                return nil
            case .head:
                guard unsafe !storage.pointee.output.isEmpty, unsafe sendHead(storage) else { return nil }
            case .content:
                if unsafe storage.pointee.output.isEmpty {
                    if unsafe isWhole(storage) { unsafe sendEnd(storage) }
                    leaveLine()
                    return nil
                }
                guard unsafe sendContent(storage) else {
                    if unsafe storage.pointee.output.count <= Self.compactSize { unsafe storage.pointee.output.trim() }
                    return .writable
                }
                if unsafe storage.pointee.responseMeter.isWaiting { clientTookMore(exchange) }
            }
        }
    }

    /// If no more than this is unsent, only as much memory as needed is kept for it.
    private static var compactSize: Int { 4 << 10 }

    /// Sends the first head in the output; false if the head is not complete yet.
    private func sendHead(_ storage: UnsafeMutablePointer<ExchangeStorage>) -> Bool {
        let text = unsafe storage.pointee.output.unsent
        if let known = unsafe sendLastHead(text, storage) { return known }
        let bytes = unsafe text.bytes
        // "HTTP/1.1 200 …"
        var status = 0
        for place in 9..<12 { status = status * 10 + Int(bytes.byte(at: place) &- 0x30) }
        let isFinal = status >= 200
        // An interim head is written at once, the final one possibly in parts.
        guard unsafe !isFinal || storage.pointee.response.isHeadSent else { return false }
        let start = bytes.first(ASCII.lineFeed, from: 12, to: text.count) + 1
        var end = start
        let isWhole = unsafe isFinal && isWhole(storage) && storage.pointee.responseTrailers.isEmpty
        let isSent = withCarrier { carrier in
            carrier.writeHead(status, of: reference, isFinal: isFinal) { write in
                var lines = unsafe FieldLines(UnsafeRawBufferPointer(rebasing: text[start...]))
                while let line = lines.next(), unsafe line.line.count > 2 {
                    write(line)
                    unsafe end += line.line.count
                }
                end += 2
                return isWhole && end == text.count
            }
        }
        guard let endsStream = isSent else {
            phase = .gone
            return true
        }
        if isFinal { withCarrier { unsafe $0.keepHead(UnsafeRawBufferPointer(rebasing: text[..<end])) } }
        unsafe storage.pointee.output.sent(end)
        if isFinal { phase = endsStream ? .ended : .content }
        return true
    }

    /// Sends a head that is the same as the last one of the connection; nil for any other.
    @inline(__always)
    private func sendLastHead(
        _ text: UnsafeRawBufferPointer, _ storage: UnsafeMutablePointer<ExchangeStorage>
    ) -> Bool? {
        var endsStream = false
        let isWhole = unsafe isWhole(storage) && storage.pointee.responseTrailers.isEmpty
        let written = withCarrier { carrier in
            unsafe carrier.writeLastHead(in: text, of: reference) { length in
                endsStream = isWhole && length == text.count
                return endsStream
            }
        }
        guard let written else { return nil }
        guard written.isSent else {
            phase = .gone
            return true
        }
        unsafe storage.pointee.output.sent(written.length)
        phase = endsStream ? .ended : .content
        return true
    }

    /// Sends one DATA frame from the output; false if it has to wait.
    private func sendContent(_ storage: UnsafeMutablePointer<ExchangeStorage>) -> Bool {
        let waiting = unsafe storage.pointee.output.count
        let count = withCarrier { $0.takeTurn(self, upTo: waiting) }
        guard count > 0 else { return false }
        let endsStream = unsafe count == waiting && isWhole(storage) && storage.pointee.responseTrailers.isEmpty
        withCarrier { carrier in
            unsafe carrier.sendContent(
                UnsafeRawBufferPointer(rebasing: storage.pointee.output.unsent[..<count]), of: self,
                endsStream: endsStream)
        }
        unsafe storage.pointee.output.sent(count)
        if endsStream { phase = .ended }
        return true
    }

    private func sendEnd(_ storage: UnsafeMutablePointer<ExchangeStorage>) {
        phase = .ended
        if unsafe storage.pointee.responseTrailers.isEmpty {
            return withCarrier { carrier in
                unsafe carrier.sendContent(
                    UnsafeRawBufferPointer(start: nil, count: 0), of: self, endsStream: true)
            }
        }
        unsafe storage.pointee.responseTrailers.withUnsafeBytes { lines in
            withCarrier { unsafe $0.sendTrailers(lines, of: reference) }
        }
    }

    // MARK: Files and memory

    /// Sends the next bytes in one DATA frame.
    func passNow(
        _ source: inout BodySource, upTo limit: Int, _ exchange: Exchange
    ) throws(ExchangeFailure) -> PassResult {
        let storage = unsafe exchange.storage
        if unsafe !storage.pointee.output.isEmpty, let interest = try sendNow(exchange) { return .wait(interest) }
        guard phase == .content else { return .failed(.reset) }
        var endsAt = Int.max
        if unsafe storage.pointee.responseTrailers.isEmpty, case .unframed(let rest) = exchange.passage {
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
            unsafe storage.pointee.response.noteSent(count)
            if unsafe storage.pointee.responseMeter.isWaiting { clientTookMore(exchange) }
        }
        return result
    }
}
