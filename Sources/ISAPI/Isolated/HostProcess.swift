import CISAPI
import CLinux
import CPoolProtocol
import Glibc
import Memory
import Synchronization
import Transport

/// A process that runs the code of an isolated extension (isagate-host), from its start until it has been waited for.
///
/// One thread of this process starts it, listens to its control channel and waits for its end; further threads perform
/// the calls of its shared channels.
final class HostProcess: @unchecked Sendable {
    let name: String
    private let launch: HostLaunch
    private let learned: LearnedVariables
    private let events: any HostProcessEvents
    private let shared: [HostChannel]
    private let runChannels: [HostChannel]
    private let memory: SharedPoolMemory
    private let control: HostChannel
    /// What is passed to the process; released once it has started.
    private var ends: [OpenFile]

    private let free: Guarded<[Int]>
    private let state = Guarded(State())
    private let changed = WaitPoint()
    /// Requests and completions under way.
    private let running = Atomic(0)

    private struct State {
        var pid: pid_t = -1
        var ending: ProcessEnding?
        /// An answer to POOL_TERMINATE.
        var agreement: Bool?
        var isStopping = false
        /// Why the gateway has ended it.
        var killReason: String?
    }

    /// Channels for the threads that an extension creates itself.
    static let sharedChannels = 16

    /// - Throws: the reason when the system refuses a socket or memory.
    init(
        name: String, _ launch: HostLaunch, learned: LearnedVariables, events: any HostProcessEvents
    ) throws(SystemCallError) {
        self.name = name
        self.launch = launch
        self.learned = learned
        self.events = events
        memory = try SharedPoolMemory()
        var ends: [OpenFile] = []
        control = try Self.channel(&ends)
        ends += [launch.library.file, memory.file]
        var channels: [HostChannel] = []
        for _ in 0..<(launch.threads + Self.sharedChannels) { channels.append(try Self.channel(&ends)) }
        runChannels = Array(channels[..<launch.threads])
        shared = Array(channels[launch.threads...])
        free = Guarded(Array(0..<launch.threads))
        self.ends = ends
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
    var runningCount: Int { running.load(ordering: .relaxed) }
    var ending: ProcessEnding? { state.withLock { $0.ending } }
    var isStopping: Bool { state.withLock { $0.isStopping } }
    var killReason: String? { state.withLock { $0.killReason } }

    /// A name that the extension has asked for: later requests have the value.
    func learn(_ name: [UInt8]) { learned.add(name) }

    // MARK: Running code

    /// How running code ended.
    enum RunEnding {
        case returned(UInt32)
        /// The process has ended before it entered the extension's code.
        case notEntered
        case ended(ProcessEnding)
    }

    /// Runs HttpExtensionProc for the session on the calling thread.
    func run(_ session: ExtensionSession, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>) -> RunEnding {
        guard let index = takeChannel() else { return .notEntered }
        defer { returnChannel(index) }
        let channel = runChannels[index]
        session.state.withLock { $0.process = self }
        channel.sequence &+= 1
        do throws(HostFailure) {
            unsafe RunMessage.compose(on: channel, session, block, learned.names)
            try channel.send()
            var message = try IsolatedCalls(process: self, channel: channel).performUntilReturn()
            let status = try message.word()
            guard let log = try message.item() else { throw .violation }
            unsafe session.noteLog(status: status, log, by: ControlBlockIdentity(block))
            return .returned(message.header.value)
        } catch {
            let ending = end(after: error)
            return memory.hasEntered(index, channel.sequence) ? .ended(ending) : .notEntered
        }
    }

    /// Calls the completion function of an operation of the session.
    func complete(
        _ completion: AsyncOperation.Completion, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>,
        _ read: IsolatedRead?
    ) {
        guard let index = takeChannel() else { return }
        defer { returnChannel(index) }
        let channel = runChannels[index]
        unsafe channel.begin(HostMessageType.complete, request: ControlBlockTable.shared.index(of: block))
        let target = unsafe UInt64(UInt(bitPattern: completion.target.context))
        channel.appendItem(
            structure: pool_completion(
                target: target, buffer: read?.target ?? 0, bytes: completion.bytes, error: completion.error))
        let count = completion.error == 0 ? Int(completion.bytes) : 0
        if let read {
            channel.appendItem(read.buffer.view.prefix(count))
        } else {
            channel.appendItem(ByteView())
        }
        do throws(HostFailure) {
            try channel.send()
            _ = try IsolatedCalls(process: self, channel: channel).performUntilReturn()
        } catch {
            _ = end(after: error)
        }
    }

    private func takeChannel() -> Int? {
        guard let index = free.withLock({ $0.popLast() }) else { return nil }
        running.add(1, ordering: .relaxed)
        return index
    }

    private func returnChannel(_ index: Int) {
        runChannels[index].rest()
        running.subtract(1, ordering: .relaxed)
        free.withLock { $0.append(index) }
    }

    /// Waits for the end of a process that has gone, or that has broken the protocol and is killed for it.
    private func end(after failure: HostFailure) -> ProcessEnding {
        if failure == .violation { kill("it broke the protocol") }
        let deadline = ContinuousClock.now + Self.endLimit
        while true {
            let (ending, seen) = state.withLock { ($0.ending, changed.count) }
            if let ending { return ending }
            if !changed.wait(past: seen, until: deadline) {
                kill("it closed a channel")
                changed.wait(past: seen)
            }
        }
    }

    /// How long a process may take to end, with its crash report, once a channel is closed.
    private static let endLimit = Duration.seconds(10)

    // MARK: Starting and ending

    /// Starts it, on a thread of its own; `events` is notified of everything that follows.
    func start() -> Bool {
        NativeThread.start("host") { [self] in monitor() }
    }

    func kill(_ reason: String) {
        state.withLock { state in
            guard state.pid > 0, state.ending == nil else { return }
            if state.killReason == nil { state.killReason = reason }
            _ = Glibc.kill(state.pid, SIGKILL)
            _ = Glibc.kill(-state.pid, SIGKILL)
        }
    }

    /// Calls TerminateExtension; whether the extension agrees. True where the process has ended.
    func terminate(_ termination: ExtensionModule.Termination, until deadline: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.agreement = nil }
        guard sendControl(HostMessageType.terminate, termination.rawValue) else { return true }
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
        state.withLock { $0.isStopping = true }
        for channel in runChannels {
            channel.setReceiveTimeout(seconds: Self.threadEndLimit)
            channel.begin(HostMessageType.stop)
            guard (try? channel.send()) != nil, (try? channel.receive()) != nil else { break }
        }
        _ = sendControl(HostMessageType.stop, 0)
        while true {
            let (ending, seen) = state.withLock { ($0.ending, changed.count) }
            if ending != nil { return true }
            guard changed.wait(past: seen, until: deadline) else { break }
        }
        kill("it did not end in time")
        return false
    }

    /// Seconds that DllMain may take for the end of a thread.
    private static let threadEndLimit = 5

    private func sendControl(_ type: UInt16, _ value: UInt32) -> Bool {
        state.withLock { state in
            guard state.ending == nil else { return false }
            control.begin(type, value: value)
            return (try? control.send()) != nil
        }
    }

    // MARK: The monitor

    private func monitor() {
        let pid = launch.spawn(ends)
        ends = []
        guard pid > 0 else {
            finish(ProcessEnding(waitStatus: 127 << 8))
            return
        }
        state.withLock { $0.pid = pid }
        for channel in shared {
            _ = NativeThread.start("host-calls") { [self] in
                if IsolatedCalls(process: self, channel: channel).performUntilEnd() == .violation {
                    kill("it broke the protocol")
                }
            }
        }
        let process = OpenFile(adopting: CLinux_pidfd_open(pid))
        sendHello()
        listen(process)
        // It may have closed its end of the channel only.
        awaitEnd(of: process)
        // Processes that the extension has started end with its own. Their group still has this number.
        _ = Glibc.kill(-pid, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        finish(ProcessEnding(waitStatus: status))
    }

    private func sendHello() {
        let hello = pool_hello(
            version: UInt32(POOL_VERSION), run_channels: UInt32(launch.threads),
            shared_channels: UInt32(Self.sharedChannels), has_backslashes: launch.paths == .windows ? 1 : 0,
            user: launch.user ?? POOL_NO_ID, group: launch.group ?? POOL_NO_ID)
        state.withLock { _ in
            control.begin(HostMessageType.hello)
            control.appendItem(structure: hello)
            control.appendItem(text: name)
            control.appendItem(text: launch.path)
            _ = try? control.send()
        }
    }

    /// Listens to the control channel until the process closes it, which it does by its end.
    private func listen(_ process: OpenFile) {
        var isReady = false
        var pingedAt: ContinuousClock.Instant?
        let began = ContinuousClock.now
        while true {
            let nextPing = pingedAt.map { $0 + launch.pingTimeout } ?? ContinuousClock.now + launch.pingInterval
            let due = isReady ? nextPing : began + launch.startLimit
            switch control.waitUntilReadable(until: due, or: process) {
            case .readable: break
            case .processEnded: return
            case .timedOut:
                if !isReady { return kill("it was not ready within the start limit") }
                if pingedAt != nil { return kill("it did not answer its ping") }
                pingedAt = .now
                _ = sendControl(HostMessageType.ping, 0)
                continue
            }
            do throws(HostFailure) {
                var message = try control.receive()
                switch message.header.type {
                case HostMessageType.ready:
                    let version = try message.word()
                    guard let text = try message.item() else { throw .violation }
                    isReady = true
                    events.isReady(self, version, String(decoding: text, as: UTF8.self))
                case HostMessageType.refused:
                    let error = try message.word()
                    guard let text = try message.item() else { throw .violation }
                    events.isRefused(
                        self, Self.reason(message.header.value, error, String(decoding: text, as: UTF8.self)))
                case HostMessageType.pong: pingedAt = nil
                case HostMessageType.terminated:
                    state.withLock { $0.agreement = message.header.value != 0 }
                    changed.advance()
                    changed.wake(Int.max)
                case HostMessageType.crashed: events.isCrashing(self)
                default: throw .violation
                }
            } catch {
                if error == .violation { kill("it broke the protocol") }
                return
            }
        }
    }

    /// Waits for the end of a process whose control channel is closed; kills it if that takes long.
    private func awaitEnd(of process: OpenFile) {
        var entry = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        let limit = Int32(Self.endLimit.components.seconds * 1000)
        if process.isOpen, unsafe poll(&entry, 1, limit) > 0 { return }
        kill("it closed its control channel")
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
        let requests = runningCount
        // A child of the process may still have the channels open.
        for channel in runChannels + shared { channel.shutDown() }
        // Its successor starts before anything is answered: the next request of a client finds one.
        events.hasEnded(self, ending, requests: requests)
        state.withLock { state in
            state.ending = ending
            changed.advance()
        }
        changed.wake(Int.max)
        for session in ControlBlockTable.shared.sessions { session.processEnded(self, ending) }
    }
}

/// What is notified of a process, on the process's own thread.
protocol HostProcessEvents: AnyObject, Sendable {
    func isReady(_ process: HostProcess, _ version: UInt32, _ description: String)
    func isRefused(_ process: HostProcess, _ reason: ExtensionLoadError.Reason)
    /// It is about to end by a signal.
    func isCrashing(_ process: HostProcess)
    /// - Parameter requests: those that were under way in it.
    func hasEnded(_ process: HostProcess, _ ending: ProcessEnding, requests: Int)
}

/// The memory that a process shares with the gateway.
@safe
private final class SharedPoolMemory: @unchecked Sendable {
    let file: OpenFile
    private let start: UnsafeMutablePointer<pool_memory>

    init() throws(SystemCallError) {
        file = OpenFile(adopting: unsafe CLinux_memfd_create("pool"))
        let size = MemoryLayout<pool_memory>.size
        guard file.isOpen, ftruncate(file.number, size) == 0 else { throw SystemCallError("memfd_create") }
        let place = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0)
        guard let place = unsafe place, unsafe place != MAP_FAILED else { throw SystemCallError("mmap") }
        unsafe start = place.assumingMemoryBound(to: pool_memory.self)
    }

    deinit {
        unsafe munmap(start, MemoryLayout<pool_memory>.size)
    }

    /// Whether the code of the extension was entered for the POOL_RUN with this number; once the process has ended.
    func hasEntered(_ channel: Int, _ sequence: UInt32) -> Bool {
        precondition(channel < Int(POOL_CHANNELS))
        let offset = channel * MemoryLayout<UInt32>.stride
        return unsafe UnsafeRawPointer(start).load(fromByteOffset: offset, as: UInt32.self) == sequence
    }
}
