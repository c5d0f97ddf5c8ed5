import Glibc

/// What processes notify their pool of, and what it does then.
extension ProcessPool: HostProcessEvents {
    func isReady(_ process: HostProcess) {
        let outcomes = process.libraries.map { $0 ?? .refused(.noProcess("it did not say what came of it")) }
        var refused: [ExtensionLoadError] = []
        let (isWanted, predecessor) = state.withLock { state in
            state.starting.removeAll { $0 === process }
            guard state.phase == .running else { return (false, nil as (HostProcess, EndReason)?) }
            // It has to run what the first one did.
            if let first = state.outcomes {
                refused = refusals(in: outcomes, where: { first[$0].isLoaded })
                guard refused.isEmpty else {
                    state.refusal = refused[0].reason
                    state.retryAt = ContinuousClock.now + Self.retryPause
                    return (false, nil)
                }
            } else {
                state.outcomes = outcomes
                guard outcomes.contains(where: \.isLoaded) else {
                    state.phase = .idle
                    return (false, nil)
                }
            }
            state.ready.append(process)
            state.refusal = nil
            let predecessor = state.ready.first { $0 !== process && $0.place == process.place }
            guard let predecessor else { return (true, nil) }
            let reason = state.replaced.removeValue(forKey: ObjectIdentifier(predecessor)) ?? .command
            state.ready.removeAll { $0 === predecessor }
            state.ending.append(predecessor)
            predecessor.beginStop()
            return (true, (predecessor, reason))
        }
        for refusal in refused { report(.cannotLoad(refusal)) }
        if isWanted {
            report(.started(pid: process.pid))
        } else {
            process.kill(.stop)
        }
        if let (predecessor, reason) = predecessor { retire(predecessor, reason) }
        wakeAll()
    }

    /// The libraries that could not be loaded.
    private func refusals(
        in outcomes: [LibraryOutcome], where isOfInterest: (Int) -> Bool
    ) -> [ExtensionLoadError] {
        zip(launch.libraries, outcomes).enumerated().compactMap { index, pair in
            guard case .refused(let reason) = pair.1, isOfInterest(index) else { return nil }
            return ExtensionLoadError(name: pair.0.name, path: pair.0.path, reason: reason)
        }
    }

    func isRefused(_ process: HostProcess, _ reason: ExtensionLoadError.Reason) {
        process.beginStop()
        state.withLock { state in state.starting.removeAll { $0 === process } }
        if state.withLock({ $0.outcomes != nil }) { report(.notStarted(reason: reason.text)) }
        noteRefusal(reason)
    }

    func notice(_ process: HostProcess, _ text: String) {
        // Once, not for each process.
        guard state.withLock({ $0.notices.insert(text).inserted }) else { return }
        report(.notice(text))
    }

    /// The successor starts while the process describes its crash.
    func isCrashing(_ process: HostProcess) {
        let isCounted = state.withLock { state in
            guard state.ready.contains(where: { $0 === process }) else { return false }
            state.ready.removeAll { $0 === process }
            state.ending.append(process)
            return state.phase == .running
        }
        if isCounted { replace(process) }
    }

    func hasEnded(_ process: HostProcess, _ ending: ProcessEnding, requests: Int, _ descriptions: [String]) {
        let (wasReady, wasStarting, isWanted, isFirst) = state.withLock { state in
            defer {
                state.starting.removeAll { $0 === process }
                state.ready.removeAll { $0 === process }
                state.ending.removeAll { $0 === process }
                state.replaced[ObjectIdentifier(process)] = nil
            }
            return (
                state.ready.contains { $0 === process }, state.starting.contains { $0 === process },
                state.phase == .stopping || process.isStopping, state.outcomes == nil
            )
        }
        let killed = process.killReason
        let text = killed?.text ?? "it \(ending)"
        if isWanted || killed?.reason == .stop {
            if process.pid > 0 { reportEnd(process, ending, killed, text, requests, descriptions) }
            return wakeAll()
        }
        if wasStarting {
            if !isFirst { report(.notStarted(reason: text)) }
            noteRefusal(.noProcess(text))
        } else if process.pid > 0 {
            let reason = killed?.reason ?? .crash
            record(process, reason, text, requests: requests)
            report(.crashed(pid: process.pid, reason: text, requests: requests, descriptions))
            if wasReady { replace(process) }
            runEndCommand(process, reason, text)
        }
        wakeAll()
    }

    /// The process has ended as it was to, or while it did that.
    private func reportEnd(
        _ process: HostProcess, _ ending: ProcessEnding, _ killed: HostProcess.KillReason?, _ text: String,
        _ requests: Int, _ descriptions: [String]
    ) {
        if killed == nil, !ending.isOrderly || requests > 0 {
            record(process, .crash, text, requests: requests)
            report(.crashed(pid: process.pid, reason: text, requests: requests, descriptions))
        } else {
            report(.ended(pid: process.pid, isOrderly: killed == nil || requests == 0))
        }
    }

    private func record(_ process: HostProcess, _ reason: EndReason, _ text: String, requests: Int) {
        state.withLock { state in
            state.ends[reason, default: 0] += 1
            state.lastEnds.append(
                RecordedEnd(pid: process.pid, reason: reason, text: text, at: .now, requests: requests))
            if state.lastEnds.count > Self.recordedEnds { state.lastEnds.removeFirst() }
        }
    }

    private func runEndCommand(_ process: HostProcess, _ reason: EndReason, _ text: String) {
        guard !settings.onEnd.isEmpty else { return }
        let pid = process.pid
        _ = NativeThread.start("host-on-end") { [settings, name, report] in
            let failure = EndCommand.run(settings.onEnd, pool: name, pid: pid, reason: reason, text)
            if let failure { report(.commandFailed(failure)) }
        }
    }

    func wakeAll() {
        changed.advance()
        changed.wake(Int.max)
    }

    // MARK: Replacing

    /// Starts a process in place of one that crashed, unless that happens too often.
    private func replace(_ process: HostProcess) {
        let action = state.withLock { state in
            let isCounted = state.replaced.removeValue(forKey: ObjectIdentifier(process))?.isCrash ?? false
            guard state.pausedUntil == nil else { return Action.nothing }
            if !isCounted, state.countCrash(settings.rapidFail) { return .pause }
            return state.claim(process.place) ? .start : .nothing
        }
        switch action {
        case .nothing: break
        case .start: startProcess(process.place)
        case .pause:
            report(.paused(settings.rapidFail))
            wakeAll()
        }
    }

    private enum Action { case nothing, start, pause }

    /// Starts what is missing after a pause.
    func resume() {
        let missing = state.withLock { state in
            state.pausedUntil = nil
            state.crashes = []
            return state.phase == .running ? state.claimMissing(of: settings.processes) : []
        }
        guard !missing.isEmpty else { return wakeAll() }
        report(.resumed)
        for place in missing { startProcess(place) }
        wakeAll()
    }

    /// A process that gets no more requests finishes those it has, and ends in order.
    func retire(_ process: HostProcess, _ reason: EndReason) {
        report(.recycled(pid: process.pid, reason: reason))
        record(process, reason, "it \(reason.text)", requests: process.requestCount)
        let isStarted = NativeThread.start("host-retire") { [self] in
            let deadline = ContinuousClock.now + settings.stopLimit
            guard process.waitUntilUnused(until: deadline) else {
                return process.kill(.stop, "requests were not finished within the stop limit")
            }
            for library in launch.libraries.indices { _ = process.terminate(library, .must, until: deadline) }
            _ = process.stop(until: deadline)
        }
        if !isStarted { process.kill(.stop) }
    }
}
