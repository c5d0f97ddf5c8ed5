import CLinux
import CPoolProtocol
import Glibc
import Transport

/// isagate-host, the program that runs the extensions of a pool.
package enum HostProgram {
    /// The program beside this one, or where an installation has it.
    package static func find() -> String? {
        beside(["isagate-host", "../libexec/isagate/isagate-host"], with: X_OK)
    }

    /// The first of the paths, relative to the folder of this program, that may be used in this way.
    private static func beside(_ paths: [String], with mode: Int32) -> String? {
        guard let own = ownPath() else { return nil }
        let folder = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return paths.lazy.map { "\(folder)/\($0)" }.first { unsafe access($0, mode) == 0 }
    }

    /// Where isagate-host finds Swift's runtime libraries, which extensions may need and it does not: a package has
    /// them in a folder of its own, which those extensions do not name. isagate-host removes the variable.
    private static var libraryPath: [String] {
        let core = beside(["../lib/isagate/libswiftCore.so"], with: R_OK)
        return core.map { ["LD_LIBRARY_PATH=\($0.dropLast("/libswiftCore.so".count))"] } ?? []
    }

    private static func ownPath() -> String? {
        var path = [UInt8](repeating: 0, count: 4096)
        let count = unsafe path.withUnsafeMutableBytes { buffer in
            unsafe readlink("/proc/self/exe", buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        return count > 0 ? String(decoding: path[..<count], as: UTF8.self) : nil
    }

    /// Starts the program; -1 with errno.
    ///
    /// The calling thread has to live as long as the process: the process is killed at its end.
    ///
    /// - Parameters:
    ///   - control: the process's end of its control channel, which it has in a process group of its own.
    ///   - user: taken before the process reads anything; nil for that of this process.
    package static func spawn(
        _ executable: String, control: OpenFile, as user: PoolSettings.UserAndGroup?
    ) -> pid_t {
        // It must not have the number that it gets in the new process.
        let raised = control.use { OpenFile(adopting: fcntl($0, F_DUPFD_CLOEXEC, POOL_CONTROL_FD + 1)) }
        guard raised.isOpen else { return -1 }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        // What an extension prints goes to the log.
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, raised.number, POOL_CONTROL_FD)
        let numbers = user.map { user in
            ["\(user.user)", groups(of: user).map { "\($0)" }.joined(separator: ",")]
        }
        let pid = unsafe spawnProgram(
            executable, ["isagate-host"] + (numbers ?? []), environment: environment + libraryPath, &actions,
            inOwnGroup: true)
        withExtendedLifetime(raised) {}
        return pid
    }

    /// The groups of a user, that of the process first.
    private static func groups(of user: PoolSettings.UserAndGroup) -> [gid_t] {
        guard let entry = unsafe getpwuid(user.user) else { return [user.group] }
        var groups = [gid_t](repeating: 0, count: groupLimit)
        var count = Int32(groups.count)
        guard unsafe getgrouplist(entry.pointee.pw_name, user.group, &groups, &count) >= 0 else { return [user.group] }
        return [user.group] + groups.prefix(Int(count)).filter { $0 != user.group }
    }

    private static let groupLimit = 256

    /// Starts a program that an operator has configured, with nothing to read, in a process group of its own; nil with
    /// errno.
    ///
    /// - Parameters:
    ///   - words: its absolute path, then its arguments; no shell looks at them.
    ///   - output: what it writes to its standard output and error goes there.
    ///   - inherited: another descriptor that it has, under the same number; nil for none.
    package static func start(
        _ words: [String], environment: [String], output: Int32, inherited: Int32? = nil
    ) -> ChildHost? {
        guard let program = words.first else {
            errno = EINVAL
            return nil
        }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        for stream in [STDOUT_FILENO, STDERR_FILENO] {
            unsafe posix_spawn_file_actions_adddup2(&actions, output, stream)
        }
        if let inherited { unsafe posix_spawn_file_actions_adddup2(&actions, inherited, inherited) }
        let child = unsafe spawnProgram(program, words, environment: environment, &actions, inOwnGroup: true)
        return child > 0 ? ChildHost(pid: child) : nil
    }

    /// posix_spawn(3) with all signals as a program expects them; -1 with errno.
    static func spawnProgram(
        _ executable: String, _ arguments: [String], environment: [String],
        _ actions: inout posix_spawn_file_actions_t, inOwnGroup: Bool
    ) -> pid_t {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let group = inOwnGroup ? POSIX_SPAWN_SETPGROUP : 0
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group))
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe variables.indices { unsafe free(variables[index]) } }
        var pid: pid_t = -1
        let status = unsafe posix_spawn(&pid, executable, &actions, &attributes, &words, &variables)
        guard status == 0 else {
            errno = status
            return -1
        }
        return pid
    }

    /// Of the environment of this process, a pool gets only what concerns text and time.
    static var environment: [String] {
        let inherited: [String] = ["LANG", "LC_ALL", "TZ", "TMPDIR"]
        return ["PATH=/usr/local/bin:/usr/bin:/bin"]
            + inherited.compactMap { name in
                guard let value = unsafe getenv(name) else { return nil }
                return unsafe "\(name)=\(String(cString: value))"
            }
    }
}

/// Starts the processes of pools: this process does, or its supervisor.
package protocol HostLauncher: Sendable {
    /// Starts isagate-host. The calling thread has to live as long as the process.
    ///
    /// - Parameter control: the process's end of its control channel.
    func launch(_ control: OpenFile, for settings: PoolSettings) throws(HostLaunchError) -> any LaunchedHost
}

package struct HostLaunchError: Error {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }
}

/// A process that was started, to be ended and waited for.
package protocol LaunchedHost: Sendable {
    var pid: pid_t { get }
    /// Of pidfd_open(2): readable once the process has ended. Not open where the system has no such descriptors.
    var descriptor: OpenFile { get }
    /// The limits of its control group that do not apply, each with the reason.
    var missing: [String] { get }
    /// Ends it and the processes that it has started, at once.
    func kill()
    /// Waits until it has ended; called once.
    func waitForEnd() -> ProcessEnding
}

/// Starts processes of pools as children of this process.
package struct ChildLauncher: HostLauncher {
    package init() {}

    package func launch(_ control: OpenFile, for settings: PoolSettings) throws(HostLaunchError) -> any LaunchedHost {
        let missing = settings.group == GroupLimits() ? [] : ["cgroup does not apply: only a supervisor makes groups"]
        if let first = missing.first, settings.sandbox.mode == .required { throw HostLaunchError(first) }
        return ChildHost(pid: try Self.start(control, as: settings.user), missing: missing)
    }

    package static func start(
        _ control: OpenFile, as user: PoolSettings.UserAndGroup?
    ) throws(HostLaunchError) -> pid_t {
        guard let executable = HostProgram.find() else {
            throw HostLaunchError("there is no isagate-host beside isagate")
        }
        guard geteuid() == 0 || user == nil || user?.user == geteuid() else {
            throw HostLaunchError("only a gateway that was started by root can give a pool another user")
        }
        let pid = HostProgram.spawn(executable, control: control, as: geteuid() == 0 ? user : nil)
        guard pid > 0 else { throw HostLaunchError("posix_spawn: \(systemText(errno))") }
        return pid
    }
}

/// A child of this process, in a process group of its own.
package struct ChildHost: LaunchedHost {
    package let pid: pid_t
    package let descriptor: OpenFile
    package let missing: [String]

    init(pid: pid_t, missing: [String] = []) {
        self.pid = pid
        self.missing = missing
        descriptor = OpenFile(adopting: CLinux_pidfd_open(pid))
    }

    /// Whether it ends within this time; not known, and false, where the system has no descriptors of processes.
    package func ends(within limit: Duration) -> Bool {
        var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        guard descriptor.isOpen else { return false }
        return unsafe poll(&entry, 1, Int32(limit / .milliseconds(1))) > 0
    }

    /// The process group exists as long as the process was not waited for.
    package func kill() {
        _ = Glibc.kill(pid, SIGKILL)
        _ = Glibc.kill(-pid, SIGKILL)
    }

    package func waitForEnd() -> ProcessEnding {
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return ProcessEnding(waitStatus: status)
    }
}
