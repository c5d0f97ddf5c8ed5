import Glibc
import Transport

/// The program that is run when a process has ended that was not to (`on_end`).
enum EndCommand {
    private static let limit = Duration.seconds(60)

    /// Runs it, and ends it when it takes too long; on a thread of its own.
    ///
    /// - Returns: what went wrong.
    static func run(_ words: [String], pool: String, pid: pid_t, reason: EndReason, _ text: String) -> String? {
        let environment =
            HostProgram.environment + [
                "ISAGATE_POOL=\(pool)", "ISAGATE_PID=\(pid)", "ISAGATE_REASON=\(reason.rawValue)",
                "ISAGATE_REASON_TEXT=\(text)",
            ]
        guard let host = HostProgram.start(words, environment: environment, output: STDERR_FILENO) else {
            return "\(words[0]): \(systemText(errno))"
        }
        guard host.ends(within: limit) else {
            host.kill()
            _ = host.waitForEnd()
            return "\(words[0]) took longer than \(limit) and was ended"
        }
        let ending = host.waitForEnd()
        return ending.isOrderly ? nil : "\(words[0]) \(ending)"
    }
}
