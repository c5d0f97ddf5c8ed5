import Glibc
import Synchronization

/// The processes of a pool, which run its extensions: starts them, gives them requests, replaces those that end or have
/// to be recycled.
///
/// A successor is ready before its predecessor gets no more requests, and the predecessor ends with its last one.
package final class ProcessPool: @unchecked Sendable {
    package let name: String
    let launch: PoolLaunch
    let settings: PoolSettings
    let launcher: any HostLauncher
    let learned = LearnedVariables()
    let report: @Sendable (PoolReport) -> Void
    let state: Mutex<PoolState>
    let changed = WaitPoint()

    static let recordedEnds = 8
    /// Requests that a process did not begin before its end are run again, this many times.
    static let attempts = 3
    /// Until a process that could not be started is tried again.
    static let retryPause = Duration.seconds(2)

    /// - Parameter report: is called with what has to be logged, on any thread.
    package init(
        _ name: String, _ libraries: [PoolLibrary], _ settings: PoolSettings, by launcher: any HostLauncher,
        report: @escaping @Sendable (PoolReport) -> Void
    ) {
        self.name = name
        launch = PoolLaunch(name: name, libraries: libraries, settings: settings)
        self.settings = settings
        self.launcher = launcher
        self.report = report
        state = Mutex(PoolState())
    }

    // MARK: Libraries

    /// Starts the pool, if it is not, waits until a process is ready, and returns the module of an extension.
    package func module(of extension: String) throws(ExtensionLoadError) -> IsolatedModule {
        guard let index = launch.libraries.firstIndex(where: { $0.name == `extension` }) else {
            preconditionFailure("a pool has the libraries of its extensions")
        }
        let library = launch.libraries[index]
        do throws(ExtensionLoadError.Reason) {
            switch try outcomes()[index] {
            case .loaded(let version, let description):
                state.withLock { state in
                    state.wasUsed = true
                    state.members += 1
                }
                return IsolatedModule(library, index, in: self, version: version, description: description)
            case .refused(let reason): throw reason
            }
        } catch {
            throw ExtensionLoadError(name: library.name, path: library.path, reason: error)
        }
    }

    /// What came of the libraries in the first process.
    private func outcomes() throws(ExtensionLoadError.Reason) -> [LibraryOutcome] {
        startProcesses()
        while true {
            let (outcomes, refusal, isStarting, seen) = state.withLock { state in
                (state.outcomes, state.refusal, !state.starting.isEmpty || !state.claimed.isEmpty, changed.count)
            }
            if let outcomes { return outcomes }
            if let refusal, !isStarting { throw refusal }
            changed.wait(past: seen)
        }
    }

    /// A module is not used any more; without any the processes end.
    func leave() {
        let isLast = state.withLock { state in
            state.members -= 1
            return state.members <= 0
        }
        if isLast { stop() }
    }

    // MARK: Requests

    /// A process for a request, which is reserved for it: waits for the successor of one that has ended; nil if there
    /// is none.
    ///
    /// - Parameter key: requests with the same get the same process, as long as it lives.
    func reserveProcess(key: UInt64?) -> HostProcess? {
        var deadline: ContinuousClock.Instant?
        while true {
            let (best, isHopeless, isIdle, isWorn, seen) = state.withLock { state in
                let best = Self.best(of: state.ready, key: key, count: settings.processes)
                let served = best?.reserve()
                return (
                    best, state.pausedUntil != nil || state.phase == .stopping, state.phase == .idle,
                    served == settings.recycling.requests, changed.count
                )
            }
            if let best {
                if isWorn { noteWorn() }
                return best
            }
            if isHopeless { return nil }
            if isIdle { startProcesses() }
            let limit = deadline ?? ContinuousClock.now + settings.startLimit
            deadline = limit
            guard changed.wait(past: seen, until: limit) else { return nil }
        }
    }

    /// A process has begun as many requests as it may.
    func noteWorn() { wakeAll() }

    private static func best(of ready: [HostProcess], key: UInt64?, count: Int) -> HostProcess? {
        guard ready.count > 1 else { return ready.first }
        if let key, let own = ready.first(where: { $0.place == Int(key % UInt64(count)) }) { return own }
        return ready.min { $0.requestCount < $1.requestCount }
    }

    /// Calls TerminateExtension in every process; whether all agree.
    func terminate(_ library: Int, _ termination: ExtensionModule.Termination) -> Bool {
        let deadline = ContinuousClock.now + settings.stopLimit
        let processes = state.withLock { $0.ready }
        return processes.map { $0.terminate(library, termination, until: deadline) }.allSatisfy { $0 }
    }

    // MARK: Recycling

    /// Replaces every process, or the one, by a new one.
    package func recycle(_ reason: EndReason) {
        let count = state.withLock { state in
            for process in state.ready { _ = state.mark(process, reason) }
            return state.replaced.count
        }
        if count > 0 { wakeAll() }
    }

    /// Replaces one process, which counts as a crash where the reason does.
    func recycle(_ process: HostProcess, _ reason: EndReason) {
        let isPaused = state.withLock { state in
            guard state.ready.contains(where: { $0 === process }), state.mark(process, reason) else { return false }
            return reason.isCrash && state.countCrash(settings.rapidFail)
        }
        if isPaused {
            process.kill(reason)
            report(.paused(settings.rapidFail))
        }
        wakeAll()
    }

    /// Recycles every process and waits until all of them are replaced.
    ///
    /// - Returns: what the pool did, or why it could not.
    package func recycleAndWait(_ reason: EndReason) -> Result<String, PoolCommandError> {
        let deadline = ContinuousClock.now + settings.startLimit
        let old = state.withLock { $0.ready.map { ObjectIdentifier($0) } }
        if state.withLock({ $0.pausedUntil != nil }) {
            return .failure(PoolCommandError("it is stopped by rapid-fail protection; isagate pools start \(name)"))
        }
        guard !old.isEmpty else { return .success("it has no processes at present") }
        state.withLock { $0.refusal = nil }
        recycle(reason)
        while true {
            let (isLeft, refusal, seen) = state.withLock { state in
                (state.ready.contains { old.contains(ObjectIdentifier($0)) }, state.refusal, changed.count)
            }
            if !isLeft { return .success("\(old.count) processes were replaced") }
            if let refusal {
                return .failure(PoolCommandError("a new process could not be started: \(refusal.text)"))
            }
            guard changed.wait(past: seen, until: deadline) else {
                return .failure(PoolCommandError("not every process was replaced in time"))
            }
        }
    }

    /// Ends the pause after too many crashes.
    package func startAgain() -> Result<String, PoolCommandError> {
        guard state.withLock({ $0.pausedUntil != nil }) else { return .success("it is not stopped") }
        resume()
        return .success("its processes are started")
    }

    // MARK: Ending

    /// Ends all processes in order; no code may run in them any more.
    func stop() {
        let deadline = ContinuousClock.now + settings.stopLimit
        let processes = state.withLock { state in
            state.phase = .stopping
            defer { state.ready = [] }
            for process in state.ready { process.beginStop() }
            state.ending += state.ready
            return (state.ready, state.starting)
        }
        wakeAll()
        for process in processes.1 { process.kill(.stop) }
        for process in processes.0 { _ = process.stop(until: deadline) }
    }

    /// Whether it ends, or has ended.
    package var isStopping: Bool { state.withLock { $0.phase == .stopping } }

    /// Whether it has no processes any more, and gets none.
    package var hasEnded: Bool {
        state.withLock { state in
            state.phase == .stopping && state.starting.isEmpty && state.ready.isEmpty && state.ending.isEmpty
        }
    }

    /// Ends all processes at once, if no library was used.
    package func abandonIfUnused() {
        if state.withLock({ !$0.wasUsed }) { abandon() }
    }

    /// Ends all processes at once.
    package func abandon() {
        let processes = state.withLock { state in
            state.phase = .stopping
            return state.starting + state.ready
        }
        wakeAll()
        for process in processes { process.kill(.stop) }
    }

    // MARK: Starting

    /// Starts the processes of a pool that has none.
    func startProcesses() {
        let (places, isWatched) = state.withLock { state in
            guard state.phase == .idle else { return ([Int](), true) }
            state.phase = .running
            state.refusal = nil
            // Where nothing could be loaded it is tried again.
            if state.outcomes?.contains(where: \.isLoaded) == false { state.outcomes = nil }
            defer { state.isWatched = true }
            return (state.claimMissing(of: settings.processes), state.isWatched)
        }
        for place in places { startProcess(place) }
        if !isWatched { startWatch() }
    }

    /// Starts a process for a place that the caller has claimed.
    func startProcess(_ place: Int) {
        let process: HostProcess
        do throws(SystemCallError) {
            process = try HostProcess(launch, place: place, by: launcher, learned: learned, events: self)
        } catch {
            state.withLock { _ = $0.claimed.remove(place) }
            return noteRefusal(.noProcess(error.description))
        }
        state.withLock { state in
            state.claimed.remove(place)
            state.starting.append(process)
        }
        if !process.start() {
            state.withLock { state in state.starting.removeAll { $0 === process } }
            noteRefusal(.noProcess("there is no thread for it"))
        }
    }

    func noteRefusal(_ reason: ExtensionLoadError.Reason) {
        state.withLock { state in
            state.refusal = reason
            // A pool that never served is asked for again; one that did goes on trying.
            if state.outcomes == nil {
                if state.starting.isEmpty { state.phase = state.phase == .stopping ? .stopping : .idle }
            } else {
                state.retryAt = ContinuousClock.now + Self.retryPause
            }
            changed.advance()
        }
        changed.wake(Int.max)
    }

}

/// Why a command about a pool could not be carried out.
package struct PoolCommandError: Error {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }
}

/// What is logged about the processes of a pool.
package enum PoolReport: Sendable {
    case started(pid: Int32)
    /// It ended although it was not to, while this many requests were under way in it, of which the first are described.
    case crashed(pid: Int32, reason: String, requests: Int, [String])
    /// It gets no more requests: another has taken its place, or there are none.
    case recycled(pid: Int32, reason: EndReason)
    /// One could not be started or replaced.
    case notStarted(reason: String)
    /// A new process could not load what others have loaded.
    case cannotLoad(ExtensionLoadError)
    case paused(RapidFail)
    case resumed
    case ended(pid: Int32, isOrderly: Bool)
    case notice(String)
    case commandFailed(String)
}
