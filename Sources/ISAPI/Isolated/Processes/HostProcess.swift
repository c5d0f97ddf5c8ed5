import CISAPI
import CLinux
import CPoolProtocol
import Glibc
import Memory
import Synchronization
import Transport

/// A process that runs the extensions of a pool (isagate-host), from its start until it has been waited for.
///
/// One thread of this process has it started, listens to its control channel and waits for its end; further threads
/// perform the calls of its shared channels.
final class HostProcess: @unchecked Sendable {
    let name: String
    /// Its place among those of the pool that serve at the same time; its successor has the same.
    let place: Int
    let began = ContinuousClock.now
    private let launch: PoolLaunch
    private let launcher: any HostLauncher
    let learned: LearnedVariables
    private let events: any HostProcessEvents
    private let shared: [HostChannel]
    let runChannels: [HostChannel]
    let memory: SharedPoolMemory
    private let control: HostChannel
    /// The process's end of the control channel, and what is passed by it; released once that is done.
    private var controlEnd: [OpenFile] = []
    private var ends: [OpenFile] = []

    let free: Guarded<[Int]>
    let state = Guarded(State())
    let changed = WaitPoint()
    /// Threads that wait for a free channel.
    let channelWaiters = Atomic(0)
    let channelReturned = WaitPoint()
    /// Requests that have this process, also those that are pending.
    private let requests = Atomic(0)
    private let isLeaving = Atomic(false)
    private let begunRequests = Atomic(0)

    struct State {
        var pid: pid_t = -1
        /// Nil before it was started, and once it is waited for.
        var host: (any LaunchedHost)?
        var ending: ProcessEnding?
        /// Of each library, what came of it.
        var libraries: [LibraryOutcome?]
        /// An answer to POOL_TERMINATE.
        var agreement: Bool?
        /// The answer to the last POOL_LOOK, with the index of its request.
        var stack: (request: UInt32, answer: ThreadStack)?
        var isStopping = false
        /// Why the gateway has ended it.
        var killReason: KillReason?

        init(libraries count: Int = 0) {
            libraries = Array(repeating: nil, count: count)
        }
    }

    struct KillReason {
        let reason: EndReason
        let text: String
    }

    /// Channels for the threads that an extension creates itself.
    static let sharedChannels = 16

    /// - Throws: the reason when the system refuses a socket or memory.
    init(
        _ launch: PoolLaunch, place: Int, by launcher: any HostLauncher, learned: LearnedVariables,
        events: any HostProcessEvents
    ) throws(SystemCallError) {
        name = launch.name
        self.place = place
        self.launch = launch
        self.launcher = launcher
        self.learned = learned
        self.events = events
        memory = try SharedPoolMemory()
        control = try Self.channel(&controlEnd)
        var channels: [HostChannel] = []
        let threads = launch.settings.threads
        var ends: [OpenFile] = []
        for _ in 0..<(threads + Self.sharedChannels) { channels.append(try Self.channel(&ends)) }
        runChannels = Array(channels[..<threads])
        shared = Array(channels[threads...])
        free = Guarded(Array(0..<threads))
        self.ends = ends
        let count = launch.libraries.count
        state.withLock { $0 = State(libraries: count) }
    }

    private static func channel(_ ends: inout [OpenFile]) throws(SystemCallError) -> HostChannel {
        var pair: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw SystemCallError("socketpair")
        }
        ends.append(OpenFile(adopting: pair[1]))
        return HostChannel(OpenFile(adopting: pair[0]))
    }

    var pid: pid_t { state.withLock { $0.pid } }
    /// Requests under way.
    var requestCount: Int { requests.load(ordering: .relaxed) }
    /// Requests begun since its start.
    var served: Int { begunRequests.load(ordering: .relaxed) }
    var ending: ProcessEnding? { state.withLock { $0.ending } }
    var isStopping: Bool { state.withLock { $0.isStopping } }
    var killReason: KillReason? { state.withLock { $0.killReason } }
    /// Of each library, what came of it; nil as long as that is not known.
    var libraries: [LibraryOutcome?] { state.withLock { $0.libraries } }

    /// A name that the extension has asked for: later requests have the value.
    func learn(_ name: [UInt8]) { learned.add(name) }

    // MARK: Requests

    /// A request has this process from now on, until `release`.
    ///
    /// - Returns: the number of requests that it has begun, with this one.
    func reserve() -> Int {
        requests.add(1, ordering: .relaxed)
        return begunRequests.add(1, ordering: .relaxed).newValue
    }

    func release() {
        let left = requests.subtract(1, ordering: .sequentiallyConsistent).newValue
        guard left == 0, isLeaving.load(ordering: .sequentiallyConsistent) else { return }
        changed.advance()
        changed.wake(Int.max)
    }

    /// Waits until no request has it, or it has ended; false when that takes longer than the deadline. It gets no more.
    func waitUntilUnused(until deadline: ContinuousClock.Instant) -> Bool {
        isLeaving.store(true, ordering: .sequentiallyConsistent)
        while true {
            let (hasEnded, seen) = state.withLock { ($0.ending != nil, changed.count) }
            if hasEnded || requests.load(ordering: .sequentiallyConsistent) == 0 { return true }
            guard changed.wait(past: seen, until: deadline) else { return false }
        }
    }

    // MARK: Starting and ending

    /// How long a process may take to end, with its crash report, once a channel is closed.
    static let endLimit = Duration.seconds(10)

    /// Starts it, on a thread of its own; `events` is notified of everything that follows.
    func start() -> Bool {
        NativeThread.start("host") { [self] in monitor() }
    }

    /// Ends it at once.
    func kill(_ reason: EndReason, _ text: String? = nil) {
        state.withLock { state in
            guard state.ending == nil else { return }
            if state.killReason == nil {
                state.killReason = KillReason(reason: reason, text: text ?? "it \(reason.text)")
            }
            state.host?.kill()
        }
    }

    /// Calls TerminateExtension of a library; whether the extension agrees. True where the process has ended.
    func terminate(
        _ library: Int, _ termination: ExtensionModule.Termination, until deadline: ContinuousClock.Instant
    ) -> Bool {
        state.withLock { $0.agreement = nil }
        guard sendControl(HostMessageType.terminate, UInt32(library), termination.rawValue) else { return true }
        while true {
            let (agreement, ending, seen) = state.withLock { ($0.agreement, $0.ending, changed.count) }
            if let agreement { return agreement }
            if ending != nil { return true }
            guard changed.wait(past: seen, until: deadline) else { return false }
        }
    }

    /// Lets it end in order: its threads, the library, the process. No code may run in it any more.
    ///
    /// - Returns: false when it had to be killed.
    func stop(until deadline: ContinuousClock.Instant) -> Bool {
        beginStop()
        for channel in runChannels {
            channel.setReceiveTimeout(seconds: Self.threadEndLimit)
            channel.begin(HostMessageType.stop)
            guard (try? channel.send()) != nil, (try? channel.receive()) != nil else { break }
        }
        _ = sendControl(HostMessageType.stop)
        while true {
            let (ending, seen) = state.withLock { ($0.ending, changed.count) }
            if ending != nil { return true }
            guard changed.wait(past: seen, until: deadline) else { break }
        }
        kill(.stop, "it did not end in time")
        return false
    }

    /// Its end is wanted from now on.
    func beginStop() {
        state.withLock { $0.isStopping = true }
    }

    /// Seconds that DllMain may take for the end of a thread.
    private static let threadEndLimit = 5

    func sendControl(_ type: UInt16, _ request: UInt32 = 0, _ value: UInt32 = 0) -> Bool {
        state.withLock { state in
            guard state.ending == nil else { return false }
            control.begin(type, request: request, value: value)
            return (try? control.send()) != nil
        }
    }

    // MARK: The monitor

    private func monitor() {
        let host: any LaunchedHost
        do throws(HostLaunchError) {
            host = try launcher.launch(controlEnd[0], for: launch.settings)
        } catch {
            events.isRefused(self, .noProcess(error.text))
            return finish(ProcessEnding(waitStatus: 127 << 8))
        }
        controlEnd = []
        for text in host.missing { events.notice(self, text) }
        // Something may have ended it before it was there.
        state.withLock { state in
            (state.pid, state.host) = (host.pid, host)
            if state.killReason != nil { host.kill() }
        }
        for channel in shared {
            _ = NativeThread.start("host-calls") { [self] in
                if IsolatedCalls(process: self, channel: channel).performUntilEnd() == .violation {
                    kill(.protocolViolation)
                }
            }
        }
        do throws(HostFailure) {
            try launch.send(memory.file, ends, shared: Self.sharedChannels, on: control)
            ends = []
            try listen(host)
        } catch {
            if error == .violation { kill(.protocolViolation) }
        }
        ends = []
        // It may have closed its end of the channel only.
        awaitEnd(of: host.descriptor)
        // Processes that the extension has started end with its own.
        state.withLock { state in
            host.kill()
            // Its number may belong to another process soon.
            state.host = nil
        }
        finish(host.waitForEnd())
    }

    /// Listens to the control channel until the process closes it, which it does by its end.
    private func listen(_ host: any LaunchedHost) throws(HostFailure) {
        let settings = launch.settings
        var isReady = false
        var isRefused = false
        var notices = 0
        var pingedAt: ContinuousClock.Instant?
        while true {
            let nextPing = pingedAt.map { $0 + settings.pingTimeout } ?? ContinuousClock.now + settings.pingInterval
            let due = isReady ? nextPing : began + settings.startLimit
            switch control.waitUntilReadable(until: due, or: host.descriptor) {
            case .readable: break
            case .processEnded: return
            case .timedOut:
                if !isReady { return kill(.startLimit) }
                if pingedAt != nil { return kill(.ping) }
                pingedAt = .now
                _ = sendControl(HostMessageType.ping)
                continue
            }
            var message = try control.receive()
            switch message.header.type {
            case HostMessageType.loaded, HostMessageType.refused:
                guard !isReady, !isRefused else { throw .violation }
                isRefused = try noteLoading(&message)
            case HostMessageType.ready:
                guard !isReady, !libraries.contains(where: { $0 == nil }) else { throw .violation }
                isReady = true
                events.isReady(self)
            case HostMessageType.notice:
                notices += 1
                guard !isReady, notices <= Self.noticeLimit, let text = try message.item() else { throw .violation }
                events.notice(self, String(decoding: text.prefix(Self.textLimit), as: UTF8.self))
            case HostMessageType.pong: pingedAt = nil
            case HostMessageType.terminated:
                state.withLock { $0.agreement = message.header.value != 0 }
                changed.advance()
                changed.wake(Int.max)
            case HostMessageType.crashed: events.isCrashing(self)
            case HostMessageType.stack: try noteStack(&message)
            default: throw .violation
            }
        }
    }

    /// Bytes of a text for the log, and how many of them a process has.
    private static let textLimit = 1000
    private static let noticeLimit = 8

    /// A library was loaded, or it or the process is refused; whether the process is.
    private func noteLoading(_ message: inout HostMessage) throws(HostFailure) -> Bool {
        let number = try message.word()
        guard let text = try message.item() else { throw .violation }
        let description = String(decoding: text.prefix(Self.textLimit), as: UTF8.self)
        let isLoaded = message.header.type == HostMessageType.loaded
        let reason = Self.reason(message.header.value, number, description)
        if !isLoaded, message.header.request == POOL_NO_REQUEST {
            events.isRefused(self, reason)
            return true
        }
        let index = Int(message.header.request)
        let isExpected = state.withLock { state in
            guard index < state.libraries.count, state.libraries[index] == nil else { return false }
            state.libraries[index] = isLoaded ? .loaded(number, description) : .refused(reason)
            return true
        }
        guard isExpected else { throw .violation }
        return false
    }

    /// Waits for the end of a process whose control channel is closed; kills it if that takes long.
    private func awaitEnd(of process: OpenFile) {
        var entry = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        let limit = Int32(Self.endLimit.components.seconds * 1000)
        if process.isOpen, unsafe poll(&entry, 1, limit) > 0 { return }
        kill(.protocolViolation, "it closed its control channel")
    }

    private static func reason(_ number: UInt32, _ error: UInt32, _ text: String) -> ExtensionLoadError.Reason {
        switch Int(number) {
        case Int(POOL_REFUSED_CANNOT_OPEN): .cannotOpen(text)
        case Int(POOL_REFUSED_NO_ENTRY_POINT): .missingEntryPoint(text)
        case Int(POOL_REFUSED_ATTACH): .attachRefused(lastError: error)
        case Int(POOL_REFUSED_VERSION): .versionRefused(lastError: error)
        default: .noProcess(text)
        }
    }

    private func finish(_ ending: ProcessEnding) {
        let requests = requestCount
        let lost = isStopping && ending.isOrderly ? [] : describeRequests()
        // A child of the process may still have the channels open.
        for channel in runChannels + shared { channel.shutDown() }
        // Its successor starts before anything is answered: the next request of a client finds one.
        events.hasEnded(self, ending, requests: requests, lost)
        state.withLock { state in
            state.ending = ending
            changed.advance()
        }
        changed.wake(Int.max)
        channelReturned.advance()
        channelReturned.wake(Int.max)
        for session in ControlBlockTable.shared.sessions { session.processEnded(self, ending) }
    }
}

/// What came of a library in a process.
enum LibraryOutcome {
    /// What GetExtensionVersion gave.
    case loaded(_ version: UInt32, _ description: String)
    case refused(ExtensionLoadError.Reason)
}

/// What is notified of a process, on the process's own thread.
protocol HostProcessEvents: AnyObject, Sendable {
    func isReady(_ process: HostProcess)
    /// It cannot serve, and ends.
    func isRefused(_ process: HostProcess, _ reason: ExtensionLoadError.Reason)
    /// A text for the log, of a protection that the system does not offer.
    func notice(_ process: HostProcess, _ text: String)
    /// It is about to end by a signal.
    func isCrashing(_ process: HostProcess)
    /// - Parameters:
    ///   - requests: how many were under way in it.
    ///   - descriptions: the first of them, for the log.
    func hasEnded(_ process: HostProcess, _ ending: ProcessEnding, requests: Int, _ descriptions: [String])
}
