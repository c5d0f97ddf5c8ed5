import Glibc
import Transport

extension Supervisor {
    /// Starts the program file that is now at the path of this one as a second gateway process on the same sockets.
    func beginUpgrade() {
        if isSingle { return logger.warning("upgrade: there is no supervisor to carry it out") }
        guard isSteady, reloadUnderWay == nil else {
            // The obstacle ends in `announceReady`, which resumes the upgrade.
            isUpgradeWanted = true
            return
        }
        isUpgradeWanted = false
        logger.notice("upgrade: starting \(executable)")
        let now = Deadline.current()
        do throws(SystemError) {
            let link = try ProcessLink(launching: executable, groups: groups)
            let child = Child(link, .candidate, began: now, limit: now.advanced(by: Self.startLimit))
            children.append(child)
            try hand(served, to: child, .start)
        } catch {
            if let child = children.first(where: { $0.role == .candidate }) { return child.link.kill() }
            failUpgrade("cannot start \(executable): \(error.description)")
        }
    }

    func failUpgrade(_ reason: String) {
        logger.error("upgrade failed, the running gateway goes on: \(reason)")
        announceReady()
    }

    /// The new gateway process serves: the old one's connections finish, and the supervisor executes the new program
    /// too.
    func promote(_ child: Child) {
        let grace = Delay(served.configuration.drain.grace)
        for old in children where old.role == .serving {
            old.role = .ending
            retire(old, after: grace, isReplaced: true)
        }
        child.role = .serving
        child.limit = .never
        logger.notice("upgrade: gateway process \(child.link.pid) serves")
        failQueries("the gateway is being upgraded")
        execute()
    }

    /// Executes the new program in this process, which keeps everything that is open.
    private func execute() {
        let handover = Handover(
            executable: executable, workerCount: binder.workerCount, archive: served.archive.number,
            sockets: served.plan.entries.map(Handover.Socket.init),
            children: children.compactMap(Handover.Process.init),
            admin: admin.map { Handover.Admin(path: $0.path, descriptor: $0.descriptor) },
            counters: counters, serviceManager: serviceManager, nextIdentifier: nextIdentifier,
            isReloadWanted: reloads.isWanted)
        let code = handover.execute()
        logger.error("upgrade: the supervisor cannot become \(executable): \(systemMessage(code))")
        announceReady()
    }
}

/// The data that a supervisor passes to the program that replaces it in the same process, which keeps its children.
struct Handover: Codable {
    struct Socket: Codable {
        let listener: String
        let address: String
        let owner: String?
        let ordinal: Int
        /// By worker.
        let descriptors: [Int32]

        init(_ entry: ListenerBinder.Plan.Entry) {
            listener = entry.listener
            address = entry.key.address
            owner = entry.key.listener
            ordinal = entry.key.ordinal
            descriptors = entry.sockets.map(\.borrowedDescriptor)
        }
    }

    struct Process: Codable {
        let pid: Int32
        let channel: Int32
        let role: Supervisor.Child.Role
        let began: UInt64
        let limit: UInt64
        /// The channel for its pools, and their processes with their numbers; nil from a program that had none.
        let hostChannel: Int32?
        let hosts: [Int32: Int]?

        init?(_ child: Supervisor.Child) {
            guard let channel = child.link.inheritable else { return nil }
            pid = child.link.pid
            self.channel = channel
            role = child.role
            began = child.began.milliseconds
            limit = child.limit.milliseconds
            hostChannel = child.hosts?.inheritable
            hosts = child.hosts?.hosts
        }
    }

    struct Admin: Codable {
        let path: String
        let descriptor: Int32
    }

    let executable: String
    let workerCount: Int
    let archive: Int32
    let sockets: [Socket]
    let children: [Process]
    let admin: Admin?
    let counters: Supervisor.Counters
    let serviceManager: ServiceManager
    let nextIdentifier: Int
    let isReloadWanted: Bool

    /// Names the descriptor of the sealed memory that contains a handover.
    private static let variable = "ISAGATE_HANDOVER"
    private static let maximumBytes = 16 << 20

    private var descriptors: [Int32] {
        [archive] + sockets.flatMap(\.descriptors) + children.map(\.channel) + children.compactMap(\.hostChannel)
            + (admin.map { [$0.descriptor] } ?? [])
    }

    /// Returns only when that fails, with the error number.
    func execute() -> Int32 {
        guard let memory = try? SealedMemory.make(encodeLine(self)) else { return errno }
        let kept = descriptors + [memory.number]
        for descriptor in kept { setCloseOnExec(descriptor, false) }
        unsafe setenv(Self.variable, String(memory.number), 1)
        StandardErrorLog.flushCounts()
        var words = unsafe CommandLine.arguments.map { unsafe strdup($0) } + [nil]
        unsafe execv(executable, &words)
        let code = errno
        for index in unsafe words.indices { unsafe free(words[index]) }
        unsafe unsetenv(Self.variable)
        for descriptor in kept { setCloseOnExec(descriptor, true) }
        return code
    }

    /// The handover of the previous program, or nil when there was none.
    static func receive() throws(GatewayError) -> Handover? {
        guard let text = unsafe getenv(variable) else { return nil }
        let number = unsafe Int32(String(cString: text))
        unsafe unsetenv(variable)
        guard let number, let bytes = try? SealedMemory.read(OpenFile(adopting: number), atMost: maximumBytes),
            let handover = decodeLine(bytes, as: Handover.self)
        else { throw .runtime("\(variable) names no handover") }
        for descriptor in handover.descriptors { setCloseOnExec(descriptor, true) }
        return handover
    }

    func plan() -> ListenerBinder.Plan {
        ListenerBinder.Plan(
            entries: sockets.map { socket in
                ListenerBinder.Plan.Entry(
                    key: ListenerBinder.Key(address: socket.address, listener: socket.owner, ordinal: socket.ordinal),
                    listener: socket.listener,
                    sockets: socket.descriptors.map { ListeningSocket(Descriptor(adopting: $0)) })
            })
    }

    func takeChildren(_ groups: ControlGroups?) -> [Supervisor.Child] {
        children.map { process in
            let hosts = process.hostChannel.map {
                HostBroker(ControlChannel(adopting: $0), groups: groups, hosts: process.hosts ?? [:])
            }
            return Supervisor.Child(
                ProcessLink(pid: process.pid, channel: ControlChannel(adopting: process.channel), hosts: hosts),
                process.role,
                began: Deadline(milliseconds: process.began), limit: Deadline(milliseconds: process.limit))
        }
    }

    func adminServer() -> AdminServer? {
        admin.map { AdminServer(path: $0.path, adopting: $0.descriptor) }
    }
}
