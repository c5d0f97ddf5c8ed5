import CLinux
import Glibc
import ISAPI
import Transport

/// The supervisor's part in the pools of a gateway process: it starts their processes, as only it may take another
/// user, ends them, and waits for them.
///
/// The gateway process is not trusted with users: it gets those that the configuration names.
final class HostBroker {
    private let channel: ControlChannel
    /// Of each process that was started and not waited for, the gateway's number.
    private(set) var hosts: [pid_t: Int]
    private let groups: ControlGroups?
    /// Processes that were waited for, whose control groups are not empty yet.
    private var leaving: Set<pid_t> = []
    private var isClosed = false

    /// - Parameter groups: nil where the processes have no control groups.
    init(_ channel: ControlChannel, groups: ControlGroups?, hosts: [pid_t: Int] = [:]) {
        self.channel = channel
        self.groups = groups
        self.hosts = hosts
    }

    /// Whether nothing is left of what was started.
    var isEmpty: Bool { hosts.isEmpty && leaving.isEmpty }

    /// When `reap` has to be called although nothing has happened.
    var deadline: Deadline { leaving.isEmpty ? .never : .current().advanced(by: .milliseconds(50)) }

    /// Readable when there are requests; -1 once the gateway has closed its end.
    var descriptor: Int32 { isClosed ? -1 : channel.descriptor }

    /// The descriptor with which another program continues after execve(2).
    var inheritable: Int32 { channel.descriptor }

    /// Carries out what the gateway asks for.
    ///
    /// - Parameters:
    ///   - usual: the user of the gateway.
    ///   - allowed: the users that pools may have.
    func work(usual: PoolSettings.UserAndGroup?, allowed: Set<PoolSettings.UserAndGroup>) {
        while !isClosed {
            switch channel.receive(HostRequest.self) {
            case .message(.start(let id, let user, let group, let limits, let areRequired), let descriptors):
                var wanted = usual
                if let user, let group { wanted = PoolSettings.UserAndGroup(user: user, group: group) }
                guard wanted == usual || wanted.map({ allowed.contains($0) }) == true else {
                    reply(.refused(id: id, reason: "no pool of the configuration has this user"))
                    continue
                }
                start(id, wanted, limits ?? GroupLimits(), areRequired: areRequired == true, descriptors)
            case .message(.kill(let id), _):
                for (pid, number) in hosts where number == id { end(pid) }
            case .nothing: return reap()
            case .closed: isClosed = true
            }
        }
        reap()
    }

    private func start(
        _ id: Int, _ user: PoolSettings.UserAndGroup?, _ limits: GroupLimits, areRequired: Bool,
        _ descriptors: [OpenFile]
    ) {
        guard let control = descriptors.first else { return reply(.refused(id: id, reason: "no channel came with it")) }
        do throws(HostLaunchError) {
            let pid = try ChildLauncher.start(control, as: user)
            hosts[pid] = id
            // It does nothing before the gateway has greeted it.
            let missing = groups?.add(pid, limits) ?? ControlGroups.missing(limits)
            if areRequired, let first = missing.first {
                end(pid)
                return reply(.refused(id: id, reason: first))
            }
            let descriptor = OpenFile(adopting: CLinux_pidfd_open(pid))
            reply(.started(id: id, pid: pid, missing: missing), descriptor.isOpen ? [descriptor.number] : [])
        } catch {
            reply(.refused(id: id, reason: error.text))
        }
    }

    /// Waits for those that have ended; processes that they have started end with them.
    func reap() {
        for (pid, id) in hosts where CLinux_has_ended(pid) != 0 {
            end(pid)
            var status: Int32 = 0
            guard unsafe waitpid(pid, &status, WNOHANG) == pid else { continue }
            hosts[pid] = nil
            if groups != nil { leaving.insert(pid) }
            reply(.ended(id: id, status: status))
        }
        if let groups { leaving = leaving.filter { !groups.remove($0) } }
    }

    /// The gateway has ended: so do its pools.
    func endAll() {
        for pid in hosts.keys { end(pid) }
    }

    /// The process group exists as long as the process was not waited for.
    private func end(_ pid: pid_t) {
        _ = kill(pid, SIGKILL)
        _ = kill(-pid, SIGKILL)
        groups?.kill(pid)
    }

    private func reply(_ reply: HostReply, _ descriptors: [Int32] = []) {
        guard !isClosed else { return }
        // A gateway that does not read its answers is about to end.
        try? channel.send(reply, descriptors: descriptors)
    }
}
