import Transport

/// When a request was where, as far as that is noted: milliseconds from its first byte on, and 1; 0 for what has not
/// happened. Every waiting request keeps them, so they are small.
struct RequestTimes: BitwiseCopyable {
    /// When the last part of a head came that came in parts, when an extension or an upstream got the request, and when
    /// the response began.
    var headRead: UInt32 = 0
    var handedOver: UInt32 = 0
    var responseBegan: UInt32 = 0

    // Only where somebody wants to know.

    /// When the request began to wait for its extension to be loaded, or for a place at a server.
    var queued: UInt32 = 0
    /// When there was a connection to the server.
    var connected: UInt32 = 0
    var isKept = false
    var isReported = false
}

/// Where the time of a request goes.
extension Exchange {
    // MARK: Noting

    /// Has it noted where the time goes, from now on.
    package func keepTimes() { storage.value.times.isKept = true }

    @inline(__always)
    package var keepsTimes: Bool { storage.value.times.isKept }

    /// The request waits for a place at what is going to answer it.
    package func noteQueued(at time: Deadline) { storage.value.times.queued = offset(of: time) }

    /// Called when an extension or an upstream gets the request.
    package func noteHandOver(at time: Deadline) { storage.value.times.handedOver = offset(of: time) }

    package func noteConnected(at time: Deadline) { storage.value.times.connected = offset(of: time) }

    func noteHeadRead(at time: Deadline) { storage.value.times.headRead = offset(of: time) }

    func noteResponse(at time: Deadline) { storage.value.times.responseBegan = offset(of: time) }

    private func offset(of time: Deadline) -> UInt32 {
        time < began ? 1 : UInt32(clamping: time.milliseconds - began.milliseconds + 1)
    }

    /// Whether it has been reported that the request takes long.
    package var isReported: Bool { storage.value.times.isReported }

    package func noteReport() { storage.value.times.isReported = true }

    // MARK: Times

    /// Milliseconds until the head was complete, from its first byte on.
    package var headMilliseconds: UInt64 { UInt64(max(1, storage.value.times.headRead)) - 1 }

    /// Milliseconds until the response began, from the first byte of the request on. A response that is given as a
    /// whole begins when it ends.
    package func responseMilliseconds(now: Deadline) -> UInt64 {
        UInt64(responseBegan(now)) - 1
    }

    /// Milliseconds until the response began, from when an extension or an upstream got the request; nil if none did.
    package func waitMilliseconds(now: Deadline) -> UInt64? {
        milliseconds(from: storage.value.times.handedOver, to: responseBegan(now))
    }

    /// Milliseconds for which the request waited for its extension to be loaded and for a thread, or for a place at a
    /// server.
    package func queueMilliseconds(now: Deadline) -> UInt64? {
        let times = storage.value.times
        let waited = extensionTimes.map { $0.waited / 1000 }
        guard times.queued != 0 else { return waited }
        let end = times.handedOver < times.queued ? offset(of: now) : times.handedOver
        return (milliseconds(from: times.queued, to: end) ?? 0) + (waited ?? 0)
    }

    /// Milliseconds from the first attempt until there was a connection to the server that has answered.
    package func connectMilliseconds(now: Deadline) -> UInt64? {
        guard keepsTimes, logAttempts > 0 else { return nil }
        let times = storage.value.times
        return milliseconds(from: times.handedOver, to: times.connected == 0 ? offset(of: now) : times.connected)
    }

    /// Milliseconds for which the gateway waited for the client: for the head and the body, and to take the response.
    package func clientMilliseconds(now: Deadline) -> UInt64 {
        headMilliseconds + storage.value.bodyMeter.waited(until: now) + storage.value.responseMeter.waited(until: now)
    }

    private func responseBegan(_ now: Deadline) -> UInt32 {
        let time = storage.value.times.responseBegan
        return time == 0 ? offset(of: now) : time
    }

    private func milliseconds(from start: UInt32, to end: UInt32) -> UInt64? {
        start != 0 && end >= start ? UInt64(end - start) : nil
    }

    // MARK: Now

    /// What the request waits for at present, where times are kept.
    package var phase: RequestPhase {
        let times = storage.value.times
        if storage.value.bodyMeter.isWaiting || storage.value.responseMeter.isWaiting { return .client }
        if times.queued > times.handedOver { return .queue }
        if logAttempts > 0 { return times.connected < times.handedOver ? .connection : .upstream }
        return times.handedOver == 0 ? .gateway : .extensionCode
    }
}

/// What a request in progress waits for.
package enum RequestPhase: String, Sendable {
    /// For the client, to send its body or to take the response.
    case client
    /// For a thread of the pool, for the extension to be loaded, or for a place at a server.
    case queue
    case extensionCode = "extension"
    /// For the connection to a server, and then for the server.
    case connection = "connect"
    case upstream
    /// For the gateway itself: a file, a password.
    case gateway
}
