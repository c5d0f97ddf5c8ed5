import CLinux
import Glibc
import Transport

/// The supervisor's end of one gateway: a separate process, or this one.
protocol GatewayLink: AnyObject {
    var pid: Int32 { get }
    /// Readable when `receive` has something.
    var descriptor: Int32 { get }
    /// When `receive` may have something even though nothing is readable.
    var deadline: Deadline { get }
    /// The descriptors still belong to the caller.
    func send(_ request: ControlRequest, _ descriptors: [Int32]) throws(SystemError)
    /// The next message, or nil when none waits.
    func receive() -> ControlReply?
    /// How it ended, once it has; not called again after it returned a value.
    func ending() -> GatewayEnding?
    /// Kills it.
    func kill()
    /// The descriptor with which another program continues after execve(2), or nil if that is not possible.
    var inheritable: Int32? { get }
    /// The supervisor's part in its pools; nil where it starts their processes itself.
    var hosts: HostBroker? { get }
}

enum GatewayEnding: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)

    var description: String {
        switch self {
        case .exited(let status): "exited with status \(status)"
        case .signalled(let signal): "was ended by signal \(signal)"
        }
    }
}

/// A gateway in a separate process.
final class ProcessLink: GatewayLink {
    let pid: Int32
    private let channel: ControlChannel
    let hosts: HostBroker?
    private var isClosed = false

    /// The descriptors of its ends of the channels in the new process: the supervisor's requests, and its own requests
    /// for processes of pools.
    static let channelDescriptor: Int32 = 3
    static let hostChannelDescriptor: Int32 = 4

    /// Adopts a process that was started before.
    init(pid: Int32, channel: ControlChannel, hosts: HostBroker?) {
        self.pid = pid
        self.channel = channel
        self.hosts = hosts
    }

    /// Starts `executable` as a gateway process; it waits for `start`.
    init(launching executable: String, groups: ControlGroups?) throws(SystemError) {
        let (ours, theirs) = try ControlChannel.pair()
        let (ourHosts, theirHosts) = try ControlChannel.pair()
        pid = try Self.spawn(executable, theirs, theirHosts)
        channel = ours
        hosts = HostBroker(ourHosts, groups: groups)
    }

    private static func spawn(
        _ executable: String, _ channel: ControlChannel, _ hosts: ControlChannel
    ) throws(SystemError) -> Int32 {
        // Neither may have the number that the other one gets in the new process.
        let raised = [channel, hosts].map { OpenFile(adopting: fcntl($0.descriptor, F_DUPFD_CLOEXEC, 5)) }
        guard raised.allSatisfy(\.isOpen) else { throw SystemError(number: errno) }
        defer { withExtendedLifetime(raised) {} }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, raised[0].number, channelDescriptor)
        unsafe posix_spawn_file_actions_adddup2(&actions, raised[1].number, hostChannelDescriptor)
        let arguments = [CommandLine.arguments.first ?? "isagate", "gateway-process", "--parent", "\(getpid())"]
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        var environment = unsafe CrashReport.environment.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe environment.indices { unsafe free(environment[index]) } }
        var pid: pid_t = 0
        let status = unsafe posix_spawn(&pid, executable, &actions, nil, &words, &environment)
        guard status == 0 else { throw SystemError(number: status) }
        return pid
    }

    var descriptor: Int32 { isClosed ? -1 : channel.descriptor }
    var deadline: Deadline { .never }
    var inheritable: Int32? { channel.descriptor }

    func send(_ request: ControlRequest, _ descriptors: [Int32]) throws(SystemError) {
        try channel.send(request, descriptors: descriptors)
    }

    func receive() -> ControlReply? {
        guard !isClosed else { return nil }
        switch channel.receive(ControlReply.self) {
        case .message(let reply, _): return reply
        case .nothing: return nil
        case .closed:
            isClosed = true
            return nil
        }
    }

    func ending() -> GatewayEnding? {
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return nil }
        // The macros of wait(2): the low seven bits are the signal, the byte above the exit status.
        let signal = status & 0x7f
        return signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
    }

    func kill() {
        _ = Glibc.kill(pid, SIGKILL)
    }
}

/// The gateway in the supervisor's own process.
final class LocalLink: GatewayLink {
    private let host = GatewayHost()
    private var replies: [ControlReply] = []

    init() {
        CrashReport.begin(notifying: nil)
    }

    let pid = getpid()
    var descriptor: Int32 { host.descriptor }
    var deadline: Deadline { replies.isEmpty ? host.deadline : Deadline(milliseconds: 0) }
    let inheritable: Int32? = nil
    let hosts: HostBroker? = nil

    func send(_ request: ControlRequest, _ descriptors: [Int32]) throws(SystemError) {
        let copies = descriptors.map { OpenFile(adopting: fcntl($0, F_DUPFD_CLOEXEC, 0)) }
        guard copies.allSatisfy({ $0.number >= 0 }) else { throw SystemError(number: EMFILE) }
        replies += host.handle(request, copies)
    }

    func receive() -> ControlReply? {
        if replies.isEmpty { replies = host.work() }
        return replies.isEmpty ? nil : replies.removeFirst()
    }

    func ending() -> GatewayEnding? {
        host.hasEnded && replies.isEmpty ? .exited(0) : nil
    }

    func kill() {
        exit(1)
    }
}
