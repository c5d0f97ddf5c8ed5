import COpenSSL
import Memory
import Transport

/// The records of TLS 1.3 after the handshake, which the gateway seals and opens itself.
extension TLSStream {
    // MARK: Receiving

    func readRecords(into buffer: MutableByteView) -> IOResult {
        if let readingEnd, received.content == 0 { return readingEnd }
        if received.isEmpty && !endpoint.mayReceive { return .wouldBlock(.readable) }
        let result = openRecords(into: buffer)
        received.shrink(endpoint.worker)
        return result
    }

    /// Opens the received records, as far as their content fits.
    private func openRecords(into buffer: MutableByteView) -> IOResult {
        var filled = received.content > 0 ? received.takeContent(into: buffer) : 0
        while received.content == 0, readingEnd == nil, filled < buffer.count {
            let records = received.records
            switch RecordOpener.frame(ByteView(records)) {
            case .record(let length) where length <= records.count:
                let room = buffer[filled...]
                let fits = length - RecordHeader.size - RecordHeader.tag <= room.count
                // A record that does not fit gets a buffer of its own.
                if !fits && filled > 0 { return .bytes(filled) }
                filled += openRecord(
                    records[..<length], into: fits ? room : nil)
                if received.content > 0 { filled += received.takeContent(into: room) }
            case .refused(let alert):
                refuse(alert)
            case .incomplete, .record:
                if filled > 0 { return .bytes(filled) }
                let result = received.receive(from: endpoint, wish: buffer.count + RecordSealer.overhead)
                guard case .bytes = result else { return receivingStopped(result) }
            }
        }
        if filled > 0 { return .bytes(filled) }
        return readingEnd ?? .wouldBlock(.readable)
    }

    /// Opens the first record received, into `output`, or in place when that is nil.
    ///
    /// - Returns: how many bytes of application data are in `output` now.
    private func openRecord(
        _ record: MutableByteView, into output: MutableByteView?
    ) -> Int {
        // A ticket has to be unchanged when OpenSSL reads it: no record is opened in place while one may come.
        if session != nil, output == nil { return openAside(record) }
        let place = output ?? record[RecordHeader.size...]
        let step = layer?.opener.open(ByteView(record), into: place) ?? .nothing
        if case .data(let count) = step, output == nil {
            received.keepContent(count, ofRecord: record.count)
            obey(step)
            return 0
        }
        if step == .ticket { readTickets(ByteView(record)) }
        received.drop(record.count)
        obey(step)
        if case .data(let count) = step { return count }
        return 0
    }

    /// As `openRecord` in place, but the record is kept unchanged until its type is known.
    private func openAside(_ record: MutableByteView) -> Int {
        let copy = OwnedBytes(record.view)
        let body = record[RecordHeader.size...]
        let step = layer?.opener.open(copy.view, into: body) ?? .nothing
        if case .data(let count) = step {
            received.keepContent(count, ofRecord: record.count)
        } else {
            if step == .ticket { readTickets(copy.view) }
            received.drop(record.count)
        }
        obey(step)
        return 0
    }

    private func obey(_ step: RecordOpener.Step) {
        switch step {
        case .data:
            // A server that has answered has sent its tickets.
            if session != nil { freeSession() }
            if layer?.opener.takeUpdateWish() == true { wantsKeyUpdate = true }
        case .nothing, .ticket: return
        case .keyUpdate(let isAnswerWanted):
            if session != nil { freeSession() }
            owesKeyUpdate = isAnswerWanted || owesKeyUpdate
        case .closed: readingEnd = .end
        case .ended:
            hasFailed = true
            readingEnd = .failed(.protocolViolation)
        case .refused(let alert): return refuse(alert)
        }
        if owesKeyUpdate || wantsKeyUpdate { sendKeyUpdate() }
    }

    /// Closes the connection, and sends the reason to the peer.
    private func refuse(_ alert: Alert) {
        ERR_clear_error()
        sendAlert(alert)
        hasFailed = true
        readingEnd = .failed(.protocolViolation)
    }

    /// The result of the socket when it returns no bytes.
    private func receivingStopped(_ result: IOResult) -> IOResult {
        switch result {
        case .wouldBlock, .bytes: return result
        case .failed:
            hasFailed = true
            readingEnd = result
        case .end:
            sawEnd = true
            // A client's end needs no close_notify: HTTP framing distinguishes a complete message from one that was cut
            // off. Some responses of servers end with the connection.
            if isServer { readingEnd = .end } else { truncated() }
        }
        return readingEnd ?? result
    }

    private func truncated() {
        hasFailed = true
        readingEnd = .failed(.protocolViolation)
    }

    // MARK: Sending

    func writeSealed(_ bytes: ByteView, isMoreComing: Bool) -> IOResult {
        let limit = layer?.contentLimit ?? RecordSealer.mostContent
        var taken = 0
        while taken < bytes.count {
            if !hasRoom {
                guard case .bytes = flush(isMoreComing: true) else { break }
            }
            let end = min(taken + limit, bytes.count)
            guard seal(bytes[taken..<end], as: .applicationData) else {
                return .failed(.protocolViolation)
            }
            taken = end
        }
        let result = leavesLate ? flushAtEndOfTurn() : flush(isMoreComing: isMoreComing && taken == bytes.count)
        if case .failed = result { return result }
        return .bytes(taken)
    }

    /// Adds a record of `head` and `content` to the buffered ones.
    func sealPiece(
        _ content: ByteView, of piece: MappedPiece?, after head: ByteView
    ) -> IOResult {
        if let sendFailure { return .failed(sendFailure) }
        if !hasRoom {
            let result = flush(isMoreComing: true)
            guard case .bytes = result else { return result }
        }
        guard let count = sealNext(content, after: head, as: .applicationData) else {
            return .failed(.protocolViolation)
        }
        // The bytes may have been replaced by zeros before or while they were sealed.
        guard piece?.isIntact ?? true else {
            layer?.sealer.takeBack()
            return .failed(.contentLost)
        }
        heldEnd += count
        return .bytes(head.count + content.count)
    }

    /// Adds one record to the buffered ones, if it fits; false when the connection cannot continue.
    private func seal(_ content: ByteView, as type: ContentType) -> Bool {
        let head = ByteView()
        guard let count = sealNext(content, after: head, as: type) else { return false }
        heldEnd += count
        return true
    }

    /// Writes one record after the buffered ones, if it fits, and returns its length; nil when the connection cannot
    /// continue.
    @inline(__always)
    private func sealNext(
        _ content: ByteView, after head: ByteView, as type: ContentType
    ) -> Int? {
        let block = holdingBlock()
        let size = head.count + content.count + RecordSealer.overhead
        guard heldEnd + RecordSealer.updateSize + size <= block.count else {
            failToSeal()
            return nil
        }
        if layer?.sealer.isUpdateDue == true || owesKeyUpdate || wantsKeyUpdate {
            guard holdKeyUpdate(in: block) else { return nil }
        }
        let record = block[heldEnd...]
        guard let count = layer?.sealer.seal(content, after: head, as: type, into: record) else {
            failToSeal()
            return nil
        }
        return count
    }

    private func holdKeyUpdate(in block: MutableByteView) -> Bool {
        guard
            let count = layer?.sealer.sealUpdate(into: block[heldEnd...], isAsking: wantsKeyUpdate)
        else { return failToSeal() }
        heldEnd += count
        owesKeyUpdate = false
        wantsKeyUpdate = false
        return true
    }

    /// Updates the gateway's keys now, or before the next write if there is no space for the record.
    private func sendKeyUpdate() {
        let block = holdingBlock()
        // Space is reserved for an alert.
        guard heldEnd + 2 * RecordSealer.updateSize <= block.count else { return }
        guard holdKeyUpdate(in: block) else { return }
        _ = flush()
    }

    @discardableResult
    private func failToSeal() -> Bool {
        ERR_clear_error()
        hasFailed = true
        sendFailure = .protocolViolation
        return false
    }

    func sendAlert(_ alert: Alert) {
        let isFatal = alert != .closeNotify
        let content = (UInt8(isFatal ? SSL3_AL_FATAL : SSL3_AL_WARNING), alert.rawValue)
        guard BytesOfValues.with(content, { seal($0, as: .alert) }) else { return }
        _ = flush()
    }

    /// The buffered records are sent together with other data of the worker's turn.
    private func flushAtEndOfTurn() -> IOResult {
        guard let block = held else { return .bytes(0) }
        let result = endpoint.sendAtEndOfTurn(block.view[heldStart..<heldEnd])
        switch result {
        case .bytes(let count): heldStart += count
        case .failed(let failure): sendFailure = failure
        case .wouldBlock, .end: break
        }
        if !hasHeld { releaseHeld() }
        return result
    }
}
