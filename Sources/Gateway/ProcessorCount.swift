import CLinux
import Glibc

/// How many processors this process may use: those in its affinity mask, and no more than its control groups grant.
enum ProcessorCount {
    /// At least 1; a fraction of a processor counts as one.
    static var available: Int {
        let granted = quotas().map { max(1, Int($0.rounded(.up))) }
        return granted.reduce(bound, min)
    }

    /// The processors of the process's affinity (sched_setaffinity(2)), which `taskset` and control groups set.
    private static var bound: Int {
        let count = CLinux_usable_processors()
        return count > 0 ? Int(count) : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    /// The processors that each control group on the path of this process grants.
    private static func quotas() -> [Double] {
        guard let groups = text(of: "/proc/self/cgroup") else { return [] }
        return ControlGroup.folders(in: groups).compactMap { folder in
            ControlGroup.quota(
                unified: text(of: folder + "/cpu.max"), quota: text(of: folder + "/cpu.cfs_quota_us"),
                period: text(of: folder + "/cpu.cfs_period_us"))
        }
    }

    private static func text(of file: String) -> String? {
        (try? readFile(file, atMost: 64 << 10)).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Parses the files of control groups (cgroups(7)).
enum ControlGroup {
    /// The folders whose limits bind a process, from its group to the outermost, for both versions.
    ///
    /// - Parameter groups: the text of `/proc/PID/cgroup`: lines of a number, controllers and a path.
    static func folders(in groups: String) -> [String] {
        groups.split(separator: "\n").flatMap { line -> [String] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            let controllers = parts[1].split(separator: ",")
            if controllers.isEmpty {
                return ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].flatMap { ways(to: parts[2], in: $0) }
            }
            return controllers.contains("cpu")
                ? ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/\(parts[1])"].flatMap { ways(to: parts[2], in: $0) } : []
        }
    }

    /// In a container the path may be that of the host, of which only the last folder is visible, as `root`.
    private static func ways(to path: Substring, in root: String) -> [String] {
        var folders: [String] = []
        var names = path.split(separator: "/").filter { $0 != ".." }
        while !names.isEmpty {
            folders.append(root + "/" + names.joined(separator: "/"))
            names.removeLast()
        }
        return folders + [root]
    }

    /// Processors granted; nil for no limit.
    ///
    /// - Parameters:
    ///   - unified: the text of `cpu.max`: microseconds or `max`, and the period.
    ///   - quota, period: those of version 1, each with a number; a negative quota is none.
    static func quota(unified: String?, quota: String?, period: String?) -> Double? {
        if let unified {
            let words = unified.split(whereSeparator: \.isWhitespace)
            return words.count == 2 ? share(of: words[0], in: words[1]) : nil
        }
        guard let quota, let period else { return nil }
        return share(of: quota.prefix { !$0.isWhitespace }, in: period.prefix { !$0.isWhitespace })
    }

    private static func share(of quota: Substring, in period: Substring) -> Double? {
        guard let quota = UInt64(quota), let period = UInt64(period), quota > 0, period > 0 else { return nil }
        return Double(quota) / Double(period)
    }
}
