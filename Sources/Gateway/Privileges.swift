import CLinux
import Glibc

/// Gives up root for `user` once the addresses are bound and the keys are read.
///
/// Without a user, or when not started as root, nothing changes.
func dropPrivileges(to user: String?) throws(GatewayError) {
    guard let user, geteuid() == 0 else { return }
    guard let entry = unsafe getpwnam(user) else { throw .configuration("user: no user named \(user)") }
    let (identifier, group) = unsafe (entry.pointee.pw_uid, entry.pointee.pw_gid)
    guard unsafe initgroups(user, group) == 0, setgid(group) == 0, setuid(identifier) == 0 else {
        throw .runtime("user: cannot become \(user): \(systemMessage(errno))")
    }
    guard setuid(0) != 0 else { throw .runtime("user: \(user) can become root again") }
}

/// Lets the process open as many descriptors as the system permits.
func raiseDescriptorLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
