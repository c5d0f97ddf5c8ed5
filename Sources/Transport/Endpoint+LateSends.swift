/// Sends that leave together with those of other connections.
extension Endpoint {
    /// Where bytes are that `sendAtEndOfTurn` took.
    enum LateSends: UInt8 {
        case none
        /// In the worker's batch.
        case batched
        /// With the worker until the socket takes more.
        case rest
        /// Lost: the connection is gone.
        case failed
    }

    /// As `send`, but a short one leaves with those of other connections at the end of this turn, and counts as sent.
    ///
    /// What the socket does not take then is sent as soon as it does; a failure shows in the next call.
    package func sendAtEndOfTurn(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        worker.makeRoomInBatch()
        guard isWritable, lateSends != .failed, bytes.count <= SendBatch.longestSend else { return unsafe send(bytes) }
        lateSends = .batched
        unsafe worker.batch(bytes, of: self)
        return .bytes(bytes.count)
    }

    /// The batch is being sent.
    func leave(_ bytes: UnsafeRawBufferPointer) {
        switch lateSends {
        // An earlier send of the same batch left a rest, or failed.
        case .rest: return unsafe worker.keepRest(bytes, of: self)
        case .failed: return
        case .batched, .none: lateSends = .none
        }
        var taken = 0
        switch unsafe send(bytes) {
        case .bytes(let count): taken = count
        case .wouldBlock: break
        case .end, .failed:
            lateSends = .failed
            isReadable = true
            return resumeIfSatisfied()
        }
        guard taken < bytes.count else { return }
        lateSends = .rest
        unsafe worker.keepRest(UnsafeRawBufferPointer(rebasing: bytes[taken...]), of: self)
    }

    /// Whether the socket still has to take what `sendAtEndOfTurn` took; it is not writable before.
    package var hasRest: Bool {
        if lateSends == .batched { worker.sendBatch() }
        return lateSends == .rest
    }

    func sendRest() {
        lateSends = .none
        let rest = worker.takeRest(of: self)
        unsafe rest.withUnsafeBytes { unsafe leave($0) }
    }
}
