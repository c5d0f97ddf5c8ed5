import Glibc

/// How a process ended, as waitpid(2) tells it.
package struct ProcessEnding: BitwiseCopyable, Equatable, Sendable, CustomStringConvertible {
    private let status: Int32

    /// - Parameter waitStatus: what waitpid(2) gave.
    package init(waitStatus: Int32) {
        status = waitStatus
    }

    // The macros of wait(2): the low seven bits are the signal, the byte above the exit status.
    var signal: Int32? { status & 0x7F == 0 ? nil : status & 0x7F }
    var exitStatus: Int32 { status >> 8 & 0xFF }
    package var isOrderly: Bool { status & 0xFFFF == 0 }

    package var description: String {
        guard let signal else { return "exited with status \(exitStatus)" }
        guard let name = Self.names[signal] else { return "was ended by signal \(signal)" }
        return "was ended by signal \(signal) (\(name))"
    }

    private static let names: [Int32: String] = [
        SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGABRT: "SIGABRT",
        SIGKILL: "SIGKILL", SIGTERM: "SIGTERM", SIGTRAP: "SIGTRAP", SIGSYS: "SIGSYS", SIGXCPU: "SIGXCPU",
        SIGPIPE: "SIGPIPE", SIGHUP: "SIGHUP", SIGINT: "SIGINT",
    ]
}
