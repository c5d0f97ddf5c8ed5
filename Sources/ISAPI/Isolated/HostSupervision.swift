import Glibc
import Synchronization

/// Keeps the processes of an isolated extension: starts each again that ends, unless they crash too often.
final class HostSupervision: HostProcessEvents, @unchecked Sendable {
    private let name: String
    private let launch: HostLaunch
    private let learned = LearnedVariables()
    private let count: Int
    private let rapidFail: RapidFail
    private let report: @Sendable (HostReport) -> Void
    private let state = Mutex(State())
    private let changed = WaitPoint()

    private struct State {
        /// Started and neither ready nor ended.
        var starting: [HostProcess] = []
        var ready: [HostProcess] = []
        /// Crashing, and those that are stopped.
        var ending: [HostProcess] = []
        var crashes: [ContinuousClock.Instant] = []
        var pausedUntil: ContinuousClock.Instant?
        var isStopping = false
        /// Of the first process that was ready.
        var version: (number: UInt32, description: String)?
        /// Why the last one that was not ready could not be used.
        var refusal: ExtensionLoadError.Reason?
    }

    init(
        _ name: String, _ launch: HostLaunch, processes: Int, _ rapidFail: RapidFail,
        _ report: @escaping @Sendable (HostReport) -> Void
    ) {
        self.name = name
        self.launch = launch
        count = processes
        self.rapidFail = rapidFail
        self.report = report
    }

    /// Starts all processes and waits until the first is ready.
    func start() throws(ExtensionLoadError.Reason) -> (number: UInt32, description: String) {
        for _ in 0..<count { startProcess() }
        while true {
            let (version, refusal, isStarting, seen) = state.withLock { state in
                (state.version, state.refusal, !state.starting.isEmpty, changed.count)
            }
            if let version { return version }
            if let refusal, !isStarting {
                abandon()
                throw refusal
            }
            changed.wait(past: seen)
        }
    }

    /// The ready process with the fewest requests; waits for the successor of one that has ended, nil if there is none.
    func readyProcess() -> HostProcess? {
        let deadline = ContinuousClock.now + launch.startLimit
        while true {
            let (best, isHopeless, seen) = state.withLock { state in
                (
                    state.ready.count == 1 ? state.ready[0] : state.ready.min { $0.runningCount < $1.runningCount },
                    state.pausedUntil != nil || state.isStopping, changed.count
                )
            }
            if let best { return best }
            if isHopeless { return nil }
            guard changed.wait(past: seen, until: deadline) else { return nil }
        }
    }

    /// Calls TerminateExtension in every process; whether all agree.
    func terminate(_ termination: ExtensionModule.Termination) -> Bool {
        let deadline = ContinuousClock.now + launch.stopLimit
        let processes = state.withLock { $0.ready }
        return processes.map { $0.terminate(termination, until: deadline) }.allSatisfy { $0 }
    }

    /// Ends all processes in order; no code may run in them any more.
    func stop() {
        let deadline = ContinuousClock.now + launch.stopLimit
        let processes = state.withLock { state in
            state.isStopping = true
            defer { state.ready = [] }
            state.ending += state.ready
            return state.ready
        }
        wakeAll()
        for process in processes where !process.stop(until: deadline) {
            report(.ended(pid: process.pid, isOrderly: false))
        }
    }

    /// Ends all processes at once.
    func abandon() {
        let processes = state.withLock { state in
            state.isStopping = true
            return state.starting + state.ready
        }
        wakeAll()
        for process in processes { process.kill("it is not needed any more") }
    }

    private func startProcess() {
        let process: HostProcess
        do throws(SystemCallError) {
            process = try HostProcess(name: name, launch, learned: learned, events: self)
        } catch {
            return noteRefusal(.noProcess(error.description))
        }
        state.withLock { $0.starting.append(process) }
        if !process.start() {
            state.withLock { state in state.starting.removeAll { $0 === process } }
            noteRefusal(.noProcess("there is no thread for it"))
        }
    }

    private func noteRefusal(_ reason: ExtensionLoadError.Reason) {
        state.withLock { state in
            if state.refusal == nil || state.version != nil { state.refusal = reason }
            changed.advance()
        }
        changed.wake(Int.max)
    }

    // MARK: Events

    func isReady(_ process: HostProcess, _ version: UInt32, _ description: String) {
        let isWanted = state.withLock { state in
            state.starting.removeAll { $0 === process }
            guard !state.isStopping else { return false }
            state.ready.append(process)
            if state.version == nil { state.version = (version, description) }
            changed.advance()
            return true
        }
        changed.wake(Int.max)
        guard isWanted else { return process.kill("it is not needed any more") }
        report(.started(pid: process.pid))
    }

    func isRefused(_ process: HostProcess, _ reason: ExtensionLoadError.Reason) {
        noteRefusal(reason)
    }

    /// The successor starts while the process describes its crash.
    func isCrashing(_ process: HostProcess) {
        let isCounted = state.withLock { state in
            guard state.ready.contains(where: { $0 === process }) else { return false }
            state.ready.removeAll { $0 === process }
            state.ending.append(process)
            return !state.isStopping
        }
        if isCounted { replace() }
    }

    func hasEnded(_ process: HostProcess, _ ending: ProcessEnding, requests: Int) {
        let (wasReady, wasStarting, isStopping) = state.withLock { state in
            defer {
                state.starting.removeAll { $0 === process }
                state.ready.removeAll { $0 === process }
                state.ending.removeAll { $0 === process }
            }
            return (
                state.ready.contains { $0 === process }, state.starting.contains { $0 === process },
                state.isStopping || process.isStopping
            )
        }
        if isStopping {
            report(.ended(pid: process.pid, isOrderly: true))
            return wakeAll()
        }
        let reason = process.killReason ?? "it \(ending)"
        let isRefused = state.withLock { $0.version == nil }
        if wasStarting {
            // Its reason, if it gave one, says more than how it ended.
            if state.withLock({ $0.refusal == nil }) { noteRefusal(.noProcess(reason)) }
            if !isRefused {
                report(.notStarted(reason: reason))
                replace()
            }
        } else {
            report(.crashed(pid: process.pid, reason: reason, requests: requests))
            if wasReady { replace() }
        }
        wakeAll()
    }

    private func wakeAll() {
        changed.advance()
        changed.wake(Int.max)
    }

    /// Starts a process in place of one that crashed, unless that happens too often.
    private func replace() {
        let now = ContinuousClock.now
        let (wasPaused, isPaused) = state.withLock { state in
            if state.pausedUntil != nil { return (true, true) }
            state.crashes = state.crashes.filter { now - $0 < rapidFail.within } + [now]
            guard state.crashes.count >= rapidFail.crashes else { return (false, false) }
            state.pausedUntil = now + rapidFail.pause
            return (false, true)
        }
        guard isPaused else { return startProcess() }
        // One pause for all processes that crash.
        guard !wasPaused else { return }
        report(.paused(rapidFail))
        wakeAll()
        _ = NativeThread.start("host-pause") { [self] in
            awaitStop(until: now + rapidFail.pause)
            resume()
        }
    }

    /// Waits until the processes are to stop, or the deadline.
    private func awaitStop(until deadline: ContinuousClock.Instant) {
        while true {
            let (isStopping, seen) = state.withLock { ($0.isStopping, changed.count) }
            guard !isStopping, changed.wait(past: seen, until: deadline) else { return }
        }
    }

    private func resume() {
        let missing = state.withLock { state in
            state.pausedUntil = nil
            state.crashes = []
            return state.isStopping ? 0 : count - state.ready.count - state.starting.count
        }
        guard missing > 0 else { return }
        report(.resumed)
        for _ in 0..<missing { startProcess() }
    }
}
