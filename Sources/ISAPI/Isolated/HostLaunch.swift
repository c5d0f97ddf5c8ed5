import CISAPI
import CLinux
import CPoolProtocol
import Glibc
import Transport

/// How the processes of an isolated extension are started.
package struct HostLaunch: Sendable {
    /// isagate-host.
    private let executable: String
    /// The library's path, which the extension sees.
    let path: String
    let paths: PathStyle
    /// Threads that run requests.
    let threads: Int
    /// Nil to keep those of the gateway.
    package var user: UInt32?
    package var group: UInt32?
    /// NAME=VALUE, besides those that every process has.
    package var environment: [String] = []
    package var startLimit = Duration.seconds(90)
    package var stopLimit = Duration.seconds(90)
    package var pingInterval = Duration.seconds(30)
    package var pingTimeout = Duration.seconds(90)
    /// The library; every process loads the same copy.
    let library: LibraryCopy

    /// Copies the library at `path`.
    package init(
        extension name: String, path: String, paths: PathStyle, threads: Int
    ) throws(ExtensionLoadError) {
        guard let executable = Self.findExecutable() else {
            throw ExtensionLoadError(
                name: name, path: path, reason: .noProcess("there is no isagate-host beside isagate"))
        }
        do throws(SystemCallError) {
            library = try LibraryCopy(of: path)
        } catch {
            throw ExtensionLoadError(name: name, path: path, reason: .cannotOpen(error.description))
        }
        self.executable = executable
        self.path = path
        self.paths = paths
        self.threads = threads
    }

    /// The program beside this one, or where an installation has it.
    private static func findExecutable() -> String? {
        guard let own = try? Self.ownPath() else { return nil }
        let folder = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let places = ["\(folder)/isagate-host", "\(folder)/../libexec/isagate/isagate-host"]
        return places.first { unsafe access($0, X_OK) == 0 }
    }

    private static func ownPath() throws(SystemCallError) -> String {
        var path = [UInt8](repeating: 0, count: 4096)
        let count = unsafe path.withUnsafeMutableBytes { buffer in
            unsafe readlink("/proc/self/exe", buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard count > 0 else { throw SystemCallError("readlink") }
        return String(decoding: path[..<count], as: UTF8.self)
    }

    /// Starts the program with these descriptors from `POOL_CONTROL_FD` on; -1 with errno.
    ///
    /// The calling thread has to live as long as the process: the process is killed at its end.
    func spawn(_ ends: [OpenFile]) -> pid_t {
        // None of them may have a number that another one gets in the new process.
        let lowest = POOL_CONTROL_FD + Int32(ends.count) + 1
        let raised = ends.map { end in end.use { OpenFile(adopting: fcntl($0, F_DUPFD_CLOEXEC, lowest)) } }
        guard raised.allSatisfy(\.isOpen) else { return -1 }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        // What an extension prints goes to the log.
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        for (index, end) in raised.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, end.number, POOL_CONTROL_FD + Int32(index))
        }
        let folder = "/" + path.split(separator: "/").dropLast().joined(separator: "/")
        unsafe CLinux_spawn_in_folder(&actions, folder)
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
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        let arguments = ["isagate-host"]
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        var environment = unsafe (Self.commonEnvironment + environment).map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe environment.indices { unsafe free(environment[index]) } }
        var pid: pid_t = -1
        let status = unsafe posix_spawn(&pid, executable, &actions, &attributes, &words, &environment)
        withExtendedLifetime(raised) {}
        guard status == 0 else {
            errno = status
            return -1
        }
        return pid
    }

    /// Of the gateway's environment, a process gets only what concerns text and time.
    private static var commonEnvironment: [String] {
        let inherited: [String] = ["LANG", "LC_ALL", "TZ", "TMPDIR"]
        return ["PATH=/usr/local/bin:/usr/bin:/bin"]
            + inherited.compactMap { name in
                guard let value = unsafe getenv(name) else { return nil }
                return unsafe "\(name)=\(String(cString: value))"
            }
    }
}
