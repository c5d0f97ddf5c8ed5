import COpenSSL
import Transport

/// The records of TLS 1.3 that the gateway writes itself.
///
/// From the end of the handshake on the sequence of records is ours, and OpenSSL, which does not know, must not send any
/// under the same keys: what it writes is dropped on its way to the socket (`sendRecord`). What it would have said, an
/// alert about something it read or a change of keys, is said here.
extension TLSStream {
    /// Takes the writing of records over from OpenSSL, where they are of a kind made here.
    ///
    /// - Returns: what went wrong, if something did.
    func takeOverRecords() -> String? {
        unsafe WriteSecret.stopListening(to: session)
        guard let writeSecret = writeSecret.take() else { return nil }
        defer { writeSecret.wipe() }
        guard let cipher = unsafe RecordCipher(of: session), unsafe cipher.implementation != nil else { return nil }
        guard let secret = TrafficSecret(writeSecret.bytes, cipher),
            let sealer = RecordSealer(
                secret, sequence: writeSecret.records, contexts: endpoint.worker.companion { RecordContexts() })
        else { return "keys for records: \(TLSError.reason(of: ERR_get_error()))" }
        self.sealer = consume sealer
        unsafe SSL_set_info_callback(session) { session, event, value in
            guard let session = unsafe session, let stream = unsafe SocketBIO.stream(of: session) else { return }
            stream.noteEvent(event, value)
        }
        return nil
    }

    /// Learns what OpenSSL would say to the peer, or has heard, behind the handshake.
    func noteEvent(_ event: Int32, _ value: Int32) {
        if event == SSL_CB_WRITE_ALERT {
            sendAlert(level: value >> 8, value & 0xff)
        } else if event & SSL_CB_LOOP != 0 {
            sawMessage = true
        }
    }

    func writeSealed(_ bytes: UnsafeRawBufferPointer, isMoreComing: Bool) -> IOResult {
        var taken = 0
        while taken < bytes.count {
            if !hasRoom {
                guard case .bytes = flush(isMoreComing: true) else { break }
            }
            let end = min(taken + RecordSealer.mostContent, bytes.count)
            guard unsafe seal(UnsafeRawBufferPointer(rebasing: bytes[taken..<end]), as: .applicationData) else {
                return .failed(.protocolViolation)
            }
            taken = end
        }
        let result = leavesLate ? flushAtEndOfTurn() : flush(isMoreComing: isMoreComing && taken == bytes.count)
        if case .failed = result { return result }
        return .bytes(taken)
    }

    /// Adds one record to those held, where there is room for it; false when the connection cannot go on.
    func seal(_ content: UnsafeRawBufferPointer, as type: RecordSealer.ContentType) -> Bool {
        let block = unsafe holdingBlock()
        guard heldEnd + RecordSealer.updateSize + content.count + RecordSealer.overhead <= block.count else {
            return failToSeal()
        }
        if sealer?.isUpdateDue == true || sawMessage && wantsKeyUpdate() {
            guard let count = unsafe sealer?.sealUpdate(into: block.baseAddress! + heldEnd) else { return failToSeal() }
            heldEnd += count
        }
        guard let count = unsafe sealer?.seal(content, as: type, into: block.baseAddress! + heldEnd) else {
            return failToSeal()
        }
        heldEnd += count
        return true
    }

    private func failToSeal() -> Bool {
        ERR_clear_error()
        hasFailed = true
        sendFailure = .protocolViolation
        return false
    }

    /// - Parameters: as RFC 8446 §6 numbers them.
    func sendAlert(level: Int32, _ description: Int32) {
        let alert = (UInt8(truncatingIfNeeded: level), UInt8(truncatingIfNeeded: description))
        guard unsafe withUnsafeBytes(of: alert, { unsafe seal($0, as: .alert) }) else { return }
        _ = flush()
    }

    /// Whether the peer asked for new keys as it changed its own (RFC 8446 §4.6.3).
    ///
    /// OpenSSL notes it for its next write, which never comes: later changes of the peer's keys are all answered.
    private func wantsKeyUpdate() -> Bool {
        sawMessage = false
        return unsafe SSL_get_key_update_type(session) == SSL_KEY_UPDATE_NOT_REQUESTED
    }

    /// What is held leaves with what else the worker's turn has for its sockets.
    private func flushAtEndOfTurn() -> IOResult {
        guard let block = unsafe held else { return .bytes(0) }
        let result = unsafe endpoint.sendAtEndOfTurn(UnsafeRawBufferPointer(rebasing: block[heldStart..<heldEnd]))
        switch result {
        case .bytes(let count): heldStart += count
        case .failed(let failure): sendFailure = failure
        case .wouldBlock, .end: break
        }
        if !hasHeld { releaseHeld() }
        return result
    }
}
