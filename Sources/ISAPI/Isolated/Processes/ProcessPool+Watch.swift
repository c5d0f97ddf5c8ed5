/// What a pool does at a time: it recycles processes, ends those of a pool without requests, starts them again after a
/// pause.
extension ProcessPool {
    /// Starts the thread that does what is due at a time; it ends with the pool.
    func startWatch() {
        let isStarted = NativeThread.start("pool-watch") { [self] in
            var watch = PoolWatch()
            while let due = look(&watch) { _ = changed.wait(past: due.seen, until: due.at) }
        }
        if !isStarted { report(.notice("there is no thread that recycles processes")) }
    }

    /// The longest time between two looks.
    private static let lookInterval = Duration.seconds(3600)
    private static let measureInterval = Duration.seconds(2)
    /// And the shortest, unless something changes: what is due may have to wait for a process that does not start.
    private static let leastPause = Duration.milliseconds(20)

    /// Does what is due; nil once the pool is stopping, otherwise when to look again at the latest.
    private func look(_ watch: inout PoolWatch) -> (seen: UInt32, at: ContinuousClock.Instant)? {
        let now = ContinuousClock.now
        var next = now + Self.lookInterval
        let seen = changed.count
        let (phase, ready, pausedUntil, retryAt) = state.withLock { state in
            (state.phase, state.ready, state.pausedUntil, state.retryAt)
        }
        if phase == .stopping { return nil }
        if let pausedUntil {
            if pausedUntil <= now { resume() } else { next = min(next, pausedUntil) }
        }
        if let retryAt {
            if retryAt <= now { retry() } else { next = min(next, retryAt) }
        }
        let known = Set(ready.map { ObjectIdentifier($0) })
        watch.meters = watch.meters.filter { known.contains($0.key) }
        for process in ready {
            var facts = Recycling.Facts(requests: process.served, age: now - process.began)
            next = min(
                next, measure(process, &watch.meters[ObjectIdentifier(process), default: ProcessMeter()], &facts, now))
            if let reason = settings.recycling.reason(facts) {
                _ = state.withLock { $0.mark(process, reason) }
            }
        }
        startSuccessors()
        if let limit = settings.idleStop, phase == .running {
            next = min(next, judgeIdleness(ready, &watch, limit, now))
        }
        return (seen, max(next, now + Self.leastPause))
    }

    /// Fills in what has to be measured; when to look again.
    private func measure(
        _ process: HostProcess, _ meter: inout ProcessMeter, _ facts: inout Recycling.Facts,
        _ now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        let recycling = settings.recycling
        var next = now + Self.lookInterval
        if let after = recycling.after { next = min(next, process.began + after) }
        if !recycling.times.isEmpty {
            if let due = meter.schedule {
                facts.isDue = due <= now
            } else if let pause = TimeOfDay.untilNext(of: recycling.times) {
                meter.schedule = now + pause
            }
            if let due = meter.schedule, !facts.isDue { next = min(next, due) }
        }
        guard recycling.measures else { return next }
        let usage = ProcessUsage(pid: process.pid)
        facts.privateMemory = usage.privateMemory
        if let limit = recycling.processorTime {
            meter.samples.append((now, usage.processorTime))
            // The newest sample that is at least as old as the time over which is measured is the first.
            while meter.samples.count > 1, now - meter.samples[1].at >= limit.over { meter.samples.removeFirst() }
            let first = meter.samples[0]
            let elapsed = now - first.at
            if elapsed >= limit.over {
                facts.processorShare = Int((usage.processorTime - first.time) / elapsed * 100)
            }
            next = min(next, now + min(Self.measureInterval, limit.over / 4))
        }
        return min(next, now + Self.measureInterval)
    }

    /// Starts a process for each that has to be replaced and has no successor yet.
    private func startSuccessors() {
        let places = state.withLock { state in
            guard state.phase == .running, state.pausedUntil == nil, state.retryAt == nil else { return [Int]() }
            let places = state.ready.filter { state.replaced[ObjectIdentifier($0)] != nil }.map(\.place)
            return places.filter { state.claimSuccessor($0) }
        }
        for place in places { startProcess(place) }
    }

    private func retry() {
        let missing = state.withLock { state in
            state.retryAt = nil
            guard state.phase == .running, state.pausedUntil == nil else { return [Int]() }
            return state.claimMissing(of: settings.processes)
        }
        for place in missing { startProcess(place) }
    }

    /// Ends the processes that had no request for long enough; otherwise when to look again.
    private func judgeIdleness(
        _ ready: [HostProcess], _ watch: inout PoolWatch, _ limit: Duration, _ now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        let served = ready.reduce(0) { $0 + $1.served }
        if served != watch.served || ready.contains(where: { $0.requestCount > 0 }) {
            (watch.served, watch.quietSince) = (served, now)
        }
        guard now - watch.quietSince >= limit else {
            return min(watch.quietSince + limit, now + limit / 8)
        }
        let processes = state.withLock { state in
            // A request may have come meanwhile.
            guard state.starting.isEmpty, state.ready.allSatisfy({ $0.requestCount == 0 }),
                state.ready.reduce(0, { $0 + $1.served }) == served
            else { return [HostProcess]() }
            defer { state.ready = [] }
            state.phase = .idle
            for process in state.ready { process.beginStop() }
            state.ending += state.ready
            return state.ready
        }
        // New processes count from the beginning.
        (watch.served, watch.quietSince) = (-1, now)
        for process in processes { retire(process, .idle) }
        return now + limit
    }
}

/// What the watch remembers between two looks.
private struct PoolWatch {
    var meters: [ObjectIdentifier: ProcessMeter] = [:]
    /// Requests begun, and since when there have been no more.
    var served = 0
    var quietSince = ContinuousClock.now
}

private struct ProcessMeter {
    var schedule: ContinuousClock.Instant?
    var samples: [(at: ContinuousClock.Instant, time: Duration)] = []
}
