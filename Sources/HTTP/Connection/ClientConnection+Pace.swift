import Transport

/// Waiting for a client to transfer bytes, and checking whether it is fast enough.
extension ClientConnection {
    // MARK: Request bodies

    /// When `judgeBody` has to be called while more of a body is awaited.
    func bodyDeadline(_ exchange: Exchange) -> Deadline {
        exchange.storage.value.bodyMeter.wait(
            from: endpoint.worker.now, within: service.limits.bodyTransfer, counting: endpoint.progress?.received)
    }

    func judgeBody(_ exchange: Exchange) throws(ExchangeFailure) {
        let verdict = exchange.storage.value.bodyMeter.judge(
            at: endpoint.worker.now, within: service.limits.bodyTransfer, counting: endpoint.progress?.received)
        switch verdict {
        case .keepsUp: return
        case .stalled, .overdue: throw .rejected(.bodyTimeout)
        case .tooSlow: throw .rejected(.bodyTooSlow)
        }
    }

    @inline(never)
    func clientSentMore(_ exchange: Exchange) {
        exchange.storage.value.bodyMeter.stopWaiting(
            at: endpoint.worker.now, within: service.limits.bodyTransfer)
    }

    // MARK: Responses

    /// Waits until the client accepts more of a response.
    func waitToSend(_ interest: Interest, _ exchange: Exchange) async throws(ExchangeFailure) {
        while true {
            switch await endpoint.wait(for: interest, until: responseDeadline(exchange)) {
            case .ready, .signalled, .draining, .hangup: return clientTookMore(exchange)
            case .deadline: try judgeResponse(exchange)
            case .aborted: throw .aborted
            }
        }
    }

    /// When `judgeResponse` has to be called while the client does not accept more of a response.
    func responseDeadline(_ exchange: Exchange) -> Deadline {
        exchange.storage.value.responseMeter.wait(
            from: endpoint.worker.now, within: service.limits.responseTransfer)
    }

    func judgeResponse(_ exchange: Exchange) throws(ExchangeFailure) {
        let verdict = exchange.storage.value.responseMeter.judge(
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
        exchange.storage.value.responseMeter.stopWaiting(
            at: endpoint.worker.now, within: service.limits.responseTransfer)
    }

    /// Called when all output has been sent, and no response is in progress.
    @inline(never)
    func endResponseTransfer(_ exchange: Exchange) {
        exchange.storage.value.responseMeter = DataRateMeter()
    }

    /// Logs that a response was cut off, if the client caused it.
    @inline(never)
    func noteCut(_ failure: ExchangeFailure, as id: RequestID? = nil) {
        if let reason = failure.reason { service.router.cut(reason, on: self, as: id) }
    }
}
