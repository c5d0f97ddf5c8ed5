import CLinux
import Glibc
import ISAPI

/// The control groups (cgroups(7), version 2) of the processes of pools: one for each, below the group that the service
/// manager has delegated to the gateway.
///
/// A group has the limits of its process with all that it has started, and ends with it: also processes that have left
/// its process group and session.
struct ControlGroups {
    /// The folder of the delegated group.
    private let base: String

    /// The group below it for the gateway itself: where controllers are handed down, a group has no process of its own.
    private static let gateway = "gateway"

    /// Nil where no group is delegated. Otherwise this process is in a group below it from now on, with those that it
    /// starts.
    init?() {
        guard let own = Self.ownFolder() else { return nil }
        let parent = own.hasSuffix("/\(Self.gateway)") ? String(own.dropLast(Self.gateway.count + 1)) : own
        guard let base = [parent, own].first(where: { (folder: String) in unsafe CLinux_is_delegated(folder) != 0 })
        else { return nil }
        self.base = base
        if base == own {
            let folder = "\(base)/\(Self.gateway)"
            _ = unsafe mkdir(folder, 0o755)
            guard Self.write("\(getpid())", to: "\(folder)/cgroup.procs") == 0 else { return nil }
        }
        // Those that were not delegated are missed when a limit needs them.
        for controller in ["memory", "pids", "cpu"] {
            _ = Self.write("+\(controller)", to: "\(base)/cgroup.subtree_control")
        }
    }

    /// Puts a process that has not begun its work into a group of its own.
    ///
    /// - Returns: the limits that do not apply, each with the reason.
    func add(_ pid: pid_t, _ limits: GroupLimits) -> [String] {
        let folder = folder(of: pid)
        guard unsafe mkdir(folder, 0o755) == 0 || errno == EEXIST else {
            return ["the control group \(folder) cannot be made: \(systemMessage(errno))"]
        }
        var missing: [String] = []
        for (file, value) in Self.files(of: limits) {
            let error = Self.write(value, to: "\(folder)/\(file)")
            if error == ENOENT {
                missing.append("its control group has no \(file): that controller is not delegated")
            } else if error != 0 {
                missing.append("\(folder)/\(file): \(systemMessage(error))")
            }
        }
        let error = Self.write("\(pid)", to: "\(folder)/cgroup.procs")
        if error != 0 { missing.append("\(folder)/cgroup.procs: \(systemMessage(error))") }
        return missing
    }

    /// Without a group of its own the limits do not apply.
    static func missing(_ limits: GroupLimits) -> [String] {
        files(of: limits).map { "\($0.file) is not limited: no control group is delegated to the gateway" }
    }

    private static func files(of limits: GroupLimits) -> [(file: String, value: String)] {
        var files: [(String, String)] = []
        if let bytes = limits.memoryMax {
            files.append(("memory.max", "\(bytes)"))
        }
        if let count = limits.pidsMax { files.append(("pids.max", "\(count)")) }
        // Microseconds in each tenth of a second.
        if let percent = limits.cpuMax { files.append(("cpu.max", "\(percent * 1000) 100000")) }
        return files
    }

    /// Ends what is in the group, at once.
    func kill(_ pid: pid_t) {
        _ = Self.write("1", to: "\(folder(of: pid))/cgroup.kill")
    }

    /// Removes the group of a process that was waited for; false as long as something in it is still ending.
    func remove(_ pid: pid_t) -> Bool {
        unsafe rmdir(folder(of: pid)) == 0 || errno != EBUSY
    }

    private func folder(of pid: pid_t) -> String { "\(base)/pool-\(pid)" }

    /// Writes a value to a file of a group; the error number, 0 for none.
    private static func write(_ text: String, to path: String) -> Int32 {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        return unsafe Glibc.write(descriptor, text, text.utf8.count) >= 0 ? 0 : errno
    }

    /// A file of proc(5).
    private static func readText(_ path: String) -> String? {
        guard let bytes = try? readFile(path, atMost: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The folder of this process's group.
    private static func ownFolder() -> String? {
        guard let groups = readText("/proc/self/cgroup"), let mounts = readText("/proc/self/mountinfo"),
            let path = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })?.dropFirst(3)
        else { return nil }
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let separator = words.firstIndex(of: "-"), separator + 1 < words.count, separator >= 5,
                words[separator + 1] == "cgroup2"
            else { continue }
            // What is mounted may be a part of the hierarchy.
            let root = words[3] == "/" ? "" : words[3]
            guard path == root || path.hasPrefix("\(root)/") else { continue }
            let rest = path.dropFirst(root.count)
            return "\(words[4])\(rest == "/" ? "" : rest)"
        }
        return nil
    }
}
