import Glibc

/// How many descriptors this process has open, and may have.
struct DescriptorUsage {
    let open: Int
    let limit: Int

    /// Nil where the system does not tell.
    static var current: DescriptorUsage? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        // Not counted: the entries of the folder and of its parent, and the descriptor that lists.
        var count = -3
        while unsafe readdir(folder) != nil { count += 1 }
        return DescriptorUsage(open: max(0, count), limit: Int(clamping: limit.rlim_cur))
    }
}
