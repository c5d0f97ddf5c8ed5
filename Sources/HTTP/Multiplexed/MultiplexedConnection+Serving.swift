import Transport

/// The main loop of a connection: what its own task does and waits for.
extension MultiplexedConnection {
    /// The deadlines of a connection, and the times from which they are computed.
    struct Times {
        /// The deadline for the acknowledgement of the gateway's SETTINGS.
        var settings = Deadline.never
        /// The deadline by which a preface, a frame or a field block that has begun must be complete.
        var frame = Deadline.never
        /// The time by which the client can be expected to have noticed the GOAWAY.
        var drain = Deadline.never
        var idleSince: Deadline
        var lastSent: Deadline
        /// Whether a request has been received.
        var hasServed = false
        /// Whether the client opens no more streams.
        var isLeft = false
        var isTrimmed = false

        init() {
            idleSince = Deadline(milliseconds: 0)
            lastSent = Deadline(milliseconds: 0)
        }
    }

    /// Beyond this, a client that has not seen the GOAWAY yet could exhaust the stream identifiers.
    private static var lateStream: UInt32 { 1 << 31 - 1 << 20 }

    /// How long an idle connection keeps memory for requests that may follow immediately.
    ///
    /// A connection that has had few requests keeps it briefly: where many connections are opened one after the other,
    /// what the earlier ones release is then used by the later ones, and not scattered among what these keep.
    private var keptMemory: Delay { http.requestCount < Self.fewRequests ? .milliseconds(50) : .seconds(1) }
    private static var fewRequests: Int { 64 }

    /// Serves the connection to its end and closes it.
    package func serve() async {
        begin()
        while end == .none {
            drainIfDue()
            if isBlocked { retrySending() }
            var isMore = false
            if output.count < Self.readingHighWater {
                switch readTurn() {
                case .done: break
                case .more:
                    if output.count >= Self.readingHighWater { passOutput() }
                    isMore = !isBlocked
                case .ended: if openCount == 0 { end = .closed } else { lost() }
                }
            }
            if isOver { break }
            if isMore {
                await socket.worker.nextTurn()
                if socket.isAborted { return await abort() }
                continue
            }
            awaitsRoom = isBlocked
            switch await socket.wait(for: interest, until: nextDeadline) {
            case .ready, .signalled, .draining, .hangup: continue
            case .deadline: deadlinePassed()
            case .aborted: return await abort()
            }
        }
        await finish()
    }

    private func begin() {
        let now = socket.worker.now
        times.idleSince = now
        times.lastSent = now
        times.settings = now.advanced(by: service.limits.headerTimeout)
        times.frame = times.settings
        http.begin(to: &output)
        flushAtEndOfTurn()
    }

    /// Whether everything has been answered.
    private var isOver: Bool {
        if end != .none { return true }
        return openCount == 0 && (times.isLeft || http.hasFinishedDrain)
    }

    private var interest: Interest {
        var interest = Interest.signal
        if output.count < Self.readingHighWater { interest = interest | .readable }
        if isBlocked { interest = interest | .writable }
        if !http.isDraining { interest = interest | .drain }
        return interest
    }

    /// Retries sending after a wait for room in the socket.
    private func retrySending() {
        isBlocked = false
        passOutput()
        if !isBlocked { grant() }
    }

    // MARK: Time

    private var nextDeadline: Deadline {
        var next = min(times.frame, times.drain)
        if http.unacknowledgedSettings > 0 { next = min(next, times.settings) }
        if isBlocked { next = min(next, times.lastSent.advanced(by: service.limits.writeTimeout)) }
        if openCount == 0 {
            let isKept = times.hasServed && !times.isTrimmed
            let limit = times.hasServed ? service.limits.idleTimeout : service.limits.headerTimeout
            next = min(next, times.idleSince.advanced(by: limit))
            if isKept { next = min(next, times.idleSince.advanced(by: keptMemory)) }
        }
        return next
    }

    /// Sets the deadlines for what has begun and is not complete.
    func noteWaits() {
        if unread.isEmpty && !http.awaitsFieldBlock && http.hasBegun {
            times.frame = .never
        } else if times.frame == .never {
            times.frame = socket.worker.now.advanced(by: service.limits.headerTimeout)
        }
    }

    private func deadlinePassed() {
        let now = socket.worker.now
        if times.drain <= now {
            times.drain = .never
            http.finishDrain(to: &output)
            flushAtEndOfTurn()
        }
        if http.unacknowledgedSettings > 0, times.settings <= now { return fail(.settingsNotAcknowledged) }
        if times.frame <= now { return fail(http.hasBegun ? .frameNotFinished : .prefaceNotSent) }
        if isBlocked, times.lastSent.advanced(by: service.limits.writeTimeout) <= now { return lost() }
        guard openCount == 0 else { return }
        let limit = times.hasServed ? service.limits.idleTimeout : service.limits.headerTimeout
        if times.idleSince.advanced(by: limit) <= now {
            http.finishDrain(to: &output)
            end = .closed
        } else if !times.isTrimmed, times.idleSince.advanced(by: keptMemory) <= now {
            times.isTrimmed = true
            trim()
        }
    }

    private func fail(_ fault: HTTP2Fault) {
        _ = http.fail(fault, to: &output)
        service.router.ended(fault, on: self)
        end = .closed
        hangUpStreams()
    }

    // MARK: Closing

    /// Starts the drain, after which the client opens no more streams, if the connection is due to end.
    private func drainIfDue() {
        guard !http.isDraining else { return }
        let isSpent = http.requestCount >= service.limits.http2Requests ?? .max || http.lastStream >= Self.lateStream
        guard socket.worker.isDraining || service.isRetired || isSpent else { return }
        http.announceDrain(to: &output)
        times.drain = socket.worker.now.advanced(by: ConnectionLimits.drainLinger)
        flushAtEndOfTurn()
    }

    /// Sends the final frames, waits for the tasks of the streams and closes.
    private func finish() async {
        if !http.hasFinishedDrain, end == .none { http.finishDrain(to: &output) }
        hangUpStreams()
        await sendRest()
        let isBroken = end == .failed
        if !isBroken { finishStream() }
        end = .failed
        await awaitStreams()
        if isBroken {
            await stream.closeBroken(service.limits.linger)
        } else {
            await stream.closeLingering(service.limits.linger)
        }
    }

    private func abort() async {
        for stream in active { stream?.point.stop() }
        passOutput()
        end = .failed
        await awaitStreams()
        await stream.closeBroken(service.limits.linger)
    }

    private func sendRest() async {
        let deadline = socket.worker.now.advanced(by: service.limits.writeTimeout)
        while end != .failed {
            isBlocked = false
            passOutput()
            guard isBlocked else { return }
            switch await socket.wait(for: .writable, until: deadline) {
            case .ready, .signalled, .draining, .hangup: continue
            case .deadline, .aborted: return lost()
            }
        }
    }

    /// Waits until no task of a stream is left; all of them have been notified.
    private func awaitStreams() async {
        defer { service.trim() }
        dismissSpare()
        guard openCount > 0 else { return }
        let place = StreamEndpoint(on: socket)
        place.begin()
        lastStreamSignal = place
        while openCount > 0 {
            _ = await place.wait(for: .signal, until: socket.worker.now.advanced(by: service.limits.idleTimeout))
        }
        place.close()
    }
}
