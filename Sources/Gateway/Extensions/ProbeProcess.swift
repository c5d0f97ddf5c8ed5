import FoundationEssentials
import Glibc
import ISAPI
import Transport

/// The short-lived process in which `isagate probe` runs a library's code, and the communication with it.
package enum ProbeProcess {
    enum Outcome {
        case answered(ExtensionProbe)
        case signalled(Int32)
        case exited(Int32)
        case timedOut
        case notStarted
    }

    /// The command of the process, and the descriptor to which it writes its answer.
    package static let command = "probe-process"
    private static let answerDescriptor: Int32 = 3

    // MARK: The process

    /// Loads the library and writes the result.
    package static func answer(_ file: String) {
        // Output of the library and of its child processes does not get into the answer.
        let inherited = Descriptor(adopting: answerDescriptor)
        let answer = Descriptor(adopting: fcntl(inherited.number, F_DUPFD_CLOEXEC, 10))
        _ = consume inherited
        let imports = (try? SharedObject(file: file))?.imports ?? []
        let probe = ExtensionProbe(of: file, imports: imports)
        guard let encoded = try? JSONEncoder().encode(probe) else { return }
        var rest = [UInt8](encoded)[...]
        while !rest.isEmpty {
            let number = answer.number
            let count = rest.withBytes { SystemCalls.write(number, $0) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    // MARK: Its parent

    /// Makes `executable` load the library in a process that lives for at most `limit`.
    static func run(_ executable: String, _ file: String, within limit: Duration) -> Outcome {
        guard var pipe = Pipe() else { return .notStarted }
        let process = spawn(executable, file, answer: pipe.writing.number)
        pipe.writing.close()
        guard let process else { return .notStarted }
        let (answer, isComplete) = readAll(pipe.reading, within: limit)
        if !isComplete { kill(process, SIGKILL) }
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
        guard isComplete else { return .timedOut }
        if let probe = try? JSONDecoder().decode(ExtensionProbe.self, from: Data(answer)) { return .answered(probe) }
        // The macros of wait(2): the low seven bits are the signal, the byte above the exit status.
        return status & 0x7f != 0 ? .signalled(status & 0x7f) : .exited(status >> 8 & 0xff)
    }

    private static func spawn(_ executable: String, _ file: String, answer: Int32) -> pid_t? {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, answer, answerDescriptor)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        let arguments: [String] = ["isagate", command, file]
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        // The parent reports a crash; the runtime's own report takes minutes and would exceed the limit.
        let inherited = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        let settings = inherited.filter { !$0.hasPrefix("SWIFT_BACKTRACE=") } + ["SWIFT_BACKTRACE=enable=no"]
        var environment = unsafe settings.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe environment.indices { unsafe free(environment[index]) } }
        var process: pid_t = 0
        return unsafe posix_spawn(&process, executable, &actions, nil, &words, &environment) == 0 ? process : nil
    }

    /// Reads to the end; false when that does not come in time.
    private static func readAll(_ descriptor: borrowing Descriptor, within limit: Duration) -> (
        [UInt8], isComplete: Bool
    ) {
        let deadline = ContinuousClock.now + limit
        var answer: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4096)
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return (answer, false) }
            var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            let milliseconds = Int32(left.components.seconds * 1000) + 1
            guard unsafe poll(&entry, 1, milliseconds) > 0 else { continue }
            let count = SystemCalls.read(descriptor.number, into: &block)
            if count <= 0 { return (answer, true) }
            answer += block.prefix(count)
        }
    }
}
