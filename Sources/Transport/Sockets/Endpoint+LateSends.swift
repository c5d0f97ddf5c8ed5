import Memory

/// Sends that are deferred and made together with those of other connections.
extension Endpoint {
    /// Where the bytes accepted by `sendAtEndOfTurn` are.
    enum LateSends: UInt8 {
        case none
        /// In the worker's batch.
        case batched
        /// Kept by the worker until the socket accepts more.
        case rest
        /// Lost: the connection has failed.
        case failed
    }

    /// Like `send`, but a short send is deferred to the end of this turn, together with those of other connections, and
    /// counts as sent.
    ///
    /// Bytes that the socket does not accept then are sent as soon as it does; a failure is reported by the next call.
    package func sendAtEndOfTurn(_ bytes: ByteView) -> IOResult {
        worker.makeRoomInBatch()
        guard isWritable, lateSends != .failed, bytes.count <= SendBatch.longestSend else { return send(bytes) }
        lateSends = .batched
        worker.batch(bytes, of: self)
        return .bytes(bytes.count)
    }

    /// Called while the batch is being sent.
    func leave(_ bytes: ByteView) {
        switch lateSends {
        // An earlier send of the same batch was incomplete, or failed.
        case .rest: return worker.keepRest(bytes, of: self)
        case .failed: return
        case .batched, .none: lateSends = .none
        }
        var taken = 0
        switch send(bytes) {
        case .bytes(let count): taken = count
        case .wouldBlock: break
        case .end, .failed:
            lateSends = .failed
            isReadable = true
            return resumeIfSatisfied()
        }
        guard taken < bytes.count else { return }
        lateSends = .rest
        worker.keepRest(bytes[taken...], of: self)
    }

    /// Whether the socket has not accepted all bytes of `sendAtEndOfTurn` yet; it is not writable until then.
    package var hasRest: Bool {
        if lateSends == .batched { worker.sendBatch() }
        return lateSends == .rest
    }

    func sendRest() {
        lateSends = .none
        let rest = worker.takeRest(of: self)
        rest.withBytes { leave($0) }
    }
}
