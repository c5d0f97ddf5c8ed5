import CLinux
import Glibc
import Transport

/// Drops root privileges for `user` once the addresses are bound and the keys are read.
///
/// Without a user, or when not started as root, nothing changes.
func dropPrivileges(to account: Account?) throws(GatewayError) {
    guard let account, geteuid() == 0 else { return }
    let groups: Int32 =
        if let name = account.name { unsafe initgroups(name, account.group) } else { setgroups(0, nil) }
    guard groups == 0, setgid(account.group) == 0, setuid(account.user) == 0 else {
        throw .runtime("user: cannot become \(account): \(systemMessage(errno))")
    }
    guard setuid(0) != 0 else { throw .runtime("user: \(account) can become root again") }
}

/// Before processes of pools start, which may have the same user: they cannot look into this one, which has keys.
///
/// Without such processes nothing changes, so that a core can be written for an extension that crashes here.
func keepFromPools(_ configuration: Configuration) {
    guard configuration.extensions.contains(where: { $0.pool != nil }) else { return }
    _ = CLinux_forbid_inspection()
}

/// Lets the process open as many descriptors as the system permits.
func raiseDescriptorLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
