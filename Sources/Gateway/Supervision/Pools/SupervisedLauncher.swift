import CLinux
import Glibc
import ISAPI
import Synchronization
import Transport

/// Has processes of pools started by the supervisor: the gateway process's end of the channel for them.
///
/// A thread of its own reads the answers, as the thread that talks to the supervisor otherwise may wait for a pool.
final class SupervisedLauncher: HostLauncher, @unchecked Sendable {
    private let channel: ControlChannel
    private let state = Mutex(State())
    private let changed = WaitPoint()

    private struct State {
        var nextIdentifier = 1
        var answers: [Int: Answer] = [:]
        var endings: [Int: ProcessEnding] = [:]
        var isClosed = false
    }

    private enum Answer {
        case started(pid_t, OpenFile, missing: [String])
        case refused(String)
    }

    private static let answerLimit = Duration.seconds(30)

    init(_ channel: ControlChannel) {
        self.channel = channel
    }

    /// Begins to read; false when the system refuses a thread.
    func start() -> Bool {
        NativeThread.start("pool-launcher") { [self] in
            while readAnswer() {}
            state.withLock { state in
                state.isClosed = true
                changed.advance()
            }
            changed.wake(Int.max)
        }
    }

    private func readAnswer() -> Bool {
        var entry = pollfd(fd: channel.descriptor, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&entry, 1, -1)
        switch channel.receive(HostReply.self) {
        case .message(let reply, let descriptors):
            state.withLock { state in
                switch reply {
                case .started(let id, let pid, let missing):
                    let descriptor = descriptors.first ?? OpenFile(adopting: -1)
                    state.answers[id] = .started(pid, descriptor, missing: missing ?? [])
                case .refused(let id, let reason): state.answers[id] = .refused(reason)
                case .ended(let id, let status): state.endings[id] = ProcessEnding(waitStatus: status)
                }
                changed.advance()
            }
            changed.wake(Int.max)
            return true
        case .nothing: return true
        case .closed: return false
        }
    }

    func launch(_ control: OpenFile, for settings: PoolSettings) throws(HostLaunchError) -> any LaunchedHost {
        let id = state.withLock { state in
            defer { state.nextIdentifier += 1 }
            return state.nextIdentifier
        }
        let request = HostRequest.start(
            id: id, user: settings.user?.user, group: settings.user?.group, limits: settings.group,
            areRequired: settings.sandbox.mode == .required)
        guard send(request, [control.number]) else {
            throw HostLaunchError("the supervisor cannot be reached")
        }
        let deadline = ContinuousClock.now + Self.answerLimit
        while true {
            let (answer, isClosed, seen) = state.withLock { state in
                (state.answers.removeValue(forKey: id), state.isClosed, changed.count)
            }
            switch answer {
            case .started(let pid, let descriptor, let missing):
                return SupervisedHost(launcher: self, id: id, pid: pid, descriptor: descriptor, missing: missing)
            case .refused(let reason): throw HostLaunchError(reason)
            case nil: break
            }
            guard !isClosed, changed.wait(past: seen, until: deadline) else {
                throw HostLaunchError("the supervisor does not answer")
            }
        }
    }

    fileprivate func kill(_ id: Int) {
        _ = send(.kill(id: id), [])
    }

    /// Without a supervisor the process has ended with it, or ends as its channels close.
    fileprivate func waitForEnd(_ id: Int) -> ProcessEnding {
        while true {
            let (ending, isClosed, seen) = state.withLock { state in
                (state.endings.removeValue(forKey: id), state.isClosed, changed.count)
            }
            if let ending { return ending }
            if isClosed { return ProcessEnding(waitStatus: SIGKILL) }
            changed.wait(past: seen)
        }
    }

    private func send(_ request: HostRequest, _ descriptors: [Int32]) -> Bool {
        state.withLock { _ in (try? channel.send(request, descriptors: descriptors)) != nil }
    }
}

private struct SupervisedHost: LaunchedHost {
    let launcher: SupervisedLauncher
    let id: Int
    let pid: pid_t
    let descriptor: OpenFile
    let missing: [String]

    func kill() { launcher.kill(id) }
    func waitForEnd() -> ProcessEnding { launcher.waitForEnd(id) }
}
