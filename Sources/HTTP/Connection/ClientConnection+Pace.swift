import Transport

/// Waiting for a client that has to move bytes, and judging whether it does so fast enough.
extension ClientConnection {
    // MARK: Request bodies

    /// When `judgeBody` is to be asked, while more of a body is waited for.
    func bodyDeadline(_ exchange: Exchange) -> Deadline {
        unsafe exchange.storage.pointee.bodyMeter.wait(
            from: endpoint.worker.now, within: service.limits.bodyTransfer, counting: endpoint.progress?.received)
    }

    func judgeBody(_ exchange: Exchange) throws(ExchangeFailure) {
        let verdict = unsafe exchange.storage.pointee.bodyMeter.judge(
            at: endpoint.worker.now, within: service.limits.bodyTransfer, counting: endpoint.progress?.received)
        switch verdict {
        case .keepsUp: return
        case .stalled, .overdue: throw .rejected(.bodyTimeout)
        case .tooSlow: throw .rejected(.bodyTooSlow)
        }
    }

    @inline(never)
    func clientSentMore(_ exchange: Exchange) {
        unsafe exchange.storage.pointee.bodyMeter.stopWaiting(
            at: endpoint.worker.now, within: service.limits.bodyTransfer)
    }

    // MARK: Responses

    /// Waits until the client takes more of a response.
    func waitToSend(_ interest: Interest, _ exchange: Exchange) async throws(ExchangeFailure) {
        while true {
            switch await endpoint.wait(for: interest, until: responseDeadline(exchange)) {
            case .ready, .signalled, .draining, .hangup: return clientTookMore(exchange)
            case .deadline: try judgeResponse(exchange)
            case .aborted: throw .aborted
            }
        }
    }

    /// When `judgeResponse` is to be asked, while the client has room for no more of a response.
    func responseDeadline(_ exchange: Exchange) -> Deadline {
        unsafe exchange.storage.pointee.responseMeter.wait(
            from: endpoint.worker.now, within: service.limits.responseTransfer)
    }

    func judgeResponse(_ exchange: Exchange) throws(ExchangeFailure) {
        let verdict = unsafe exchange.storage.pointee.responseMeter.judge(
            at: endpoint.worker.now, within: service.limits.responseTransfer,
            counting: endpoint.progress?.acknowledged)
        switch verdict {
        case .keepsUp: return
        case .stalled: throw .writeTimeout
        case .tooSlow: throw .responseTooSlow
        case .overdue: throw .responseTimeout
        }
    }

    @inline(never)
    func clientTookMore(_ exchange: Exchange) {
        unsafe exchange.storage.pointee.responseMeter.stopWaiting(
            at: endpoint.worker.now, within: service.limits.responseTransfer)
    }

    /// All that there was to send has left, and no response is under way.
    @inline(never)
    func endResponseTransfer(_ exchange: Exchange) {
        unsafe exchange.storage.pointee.responseMeter = DataRateMeter()
    }

    /// Tells the log that a response stays incomplete, where the client is to blame.
    @inline(never)
    func noteCut(_ failure: ExchangeFailure, as id: RequestID? = nil) {
        if let reason = failure.reason { service.router.cut(reason, on: self, as: id) }
    }
}
