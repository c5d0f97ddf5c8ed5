import Transport

/// The user, and what the access log records besides the request and its response.
extension Exchange {
    // MARK: User

    /// The name of the user that the client has authenticated as, by the rules of the route.
    package var user: String? { storage.value.user }

    package func setUser(_ name: String) {
        storage.value.user = name
    }

    // MARK: Counting

    /// Sets a number by which the router knows later what it has found out about the request; 0 until then.
    package func setTag(_ tag: Int32) {
        storage.value.tag = tag
    }

    /// What is counted of an exchange that has ended.
    package var measures: ExchangeMeasures {
        let head = clientHead
        return ExchangeMeasures(
            tag: storage.value.tag, method: head.method, status: status, began: storage.value.began,
            receivedBytes: UInt64(head.length) + storage.value.receivedContent, sentBytes: contentBytes,
            coding: storage.value.logCoding)
    }

    // MARK: Log

    /// The access logs for the request, as bits that the router understands; all bits for its default.
    package var logs: UInt32 { storage.value.logs }

    /// Chooses the logs by the client's request: an internal request changes nothing.
    package func setLogs(_ logs: UInt32) {
        guard storage.value.substitute == nil else { return }
        storage.value.logs = logs
    }

    /// Records for the log why the exchange was not completed.
    func noteFailure(_ failure: ExchangeFailure) {
        storage.value.isAborted = true
        let (status, reason): (Int, StaticString) =
            switch failure {
            case .rejected(let rejection): (rejection.status, rejection.reason)
            // nginx logs this status for a client that closed the connection early.
            case .clientGone: (499, "client gone")
            case .writeTimeout, .responseTooSlow, .responseTimeout:
                (408, failure.reason ?? "response not taken in time")
            case .aborted: (503, "gateway stopped")
            }
        if logReason == nil { setLogReason(reason) }
        if !isResponseBegun, storage.value.logStatus == 0 { setLogStatus(status) }
    }

    /// Whether the response has begun and was not sent completely.
    package var isCut: Bool { storage.value.isAborted && isResponseBegun }

    /// The status in the log, if it is not the one sent.
    package func setLogStatus(_ status: Int) {
        storage.value.logStatus = UInt16(clamping: status)
    }

    /// The substatus in the log; 0 for none.
    package var logSubstatus: Int { Int(storage.value.logSubstatus) }

    package func setLogSubstatus(_ substatus: Int) {
        storage.value.logSubstatus = UInt16(clamping: substatus)
    }

    /// The extension that has answered, by its name in the configuration.
    package var logExtension: String? { storage.value.logExtension }

    /// The pool of isolated processes in which it runs.
    package var logPool: String? { storage.value.logPool }

    package func setLogExtension(_ name: String, pool: String?) {
        storage.value.logExtension = name
        if let pool { storage.value.logPool = pool }
    }

    /// Microseconds in which the request waited for a thread of the extension, and in which that ran it; nil if that is
    /// not known.
    package var extensionTimes: (waited: UInt64, ran: UInt64)? {
        let waited = storage.value.extensionWait
        return waited == .max ? nil : (UInt64(waited), UInt64(storage.value.extensionRun))
    }

    /// More than an hour counts as an hour and 11 minutes.
    package func noteExtensionTimes(waited: UInt32, ran: UInt32) {
        storage.value.extensionWait = min(waited, .max - 1)
        storage.value.extensionRun = ran
    }

    /// The upstream that the request was forwarded to, the last server of it, and how many attempts there were.
    package var logUpstream: String? { storage.value.logUpstream }
    package var logServer: String? { storage.value.logServer }
    package var logAttempts: Int { Int(storage.value.logAttempts) }

    /// Called for each attempt.
    package func noteServer(_ server: String, of upstream: String, at time: Deadline) {
        if storage.value.logAttempts == 0 { noteHandOver(at: time) }
        storage.value.logUpstream = upstream
        storage.value.logServer = server
        if storage.value.logAttempts < .max { storage.value.logAttempts += 1 }
    }

    // MARK: Sizes for the log

    /// The bytes of the request's content that were received, as they were sent.
    package var receivedBodyBytes: UInt64 { storage.value.body.received }

    /// The coding that the gateway has applied to the response, and the bytes of its body before that.
    package var appliedCoding: (name: StaticString, uncodedBytes: UInt64)? {
        storage.value.logCoding.map { ($0, storage.value.uncodedBytes) }
    }

    // MARK: Of extensions

    /// Text to append to the query in the log (HSE_APPEND_LOG_PARAMETER).
    package var logParameter: String? { storage.value.logParameter }

    package func setLogParameter(_ text: String) {
        storage.value.logParameter = text
    }
}

/// What is counted of an exchange that has ended.
package struct ExchangeMeasures: BitwiseCopyable {
    /// The router's number.
    package let tag: Int32
    /// As the client sent it, even if an internal request has replaced it.
    package let method: Method
    package let status: Int
    /// When the first byte was received.
    package let began: Deadline
    /// Bytes of the head, and of the content as far as it has been read.
    package let receivedBytes: UInt64
    /// Bytes of the response's content.
    package let sentBytes: UInt64
    /// The coding that the gateway has applied to it.
    package let coding: StaticString?
}
