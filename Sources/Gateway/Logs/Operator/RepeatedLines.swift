import Dispatch
import Glibc
import Logging
import Synchronization
import Transport

/// Holds back lines that repeat one of the last seconds, and writes how many there were, at the latest after the interval
/// and at the end of the process.
final class RepeatedLines: Sendable {
    /// Milliseconds.
    private let interval: UInt64
    private let write: @Sendable (RepeatTable.Summary) -> Void
    private let state = Mutex(State())

    private struct State {
        var table = RepeatTable()
        /// Whether a look is going to be taken without a further line.
        var isScheduled = false
    }

    /// - Parameter write: writes a summary; called on any thread.
    init(interval: Duration, write: @escaping @Sendable (RepeatTable.Summary) -> Void) {
        self.interval = Delay(interval).milliseconds
        self.write = write
    }

    /// Whether the line is to be written; otherwise it is counted.
    func admits(_ message: String, _ level: Logger.Level) -> Bool {
        let now = Deadline.current().milliseconds
        let (isAdmitted, due) = state.withLock { state in
            let isAdmitted = state.table.admits(message, level, interval: interval, at: now)
            return (isAdmitted, isAdmitted ? nil : schedule(&state))
        }
        if let due { look(in: due - min(due, now)) }
        return isAdmitted
    }

    /// Writes what was held back until now.
    func flush() { writeDue(at: UInt64.max - interval) }

    /// When a look has to be taken that is not going to be taken yet.
    private func schedule(_ state: inout State) -> UInt64? {
        guard !state.isScheduled, let due = state.table.nextDue(interval: interval) else { return nil }
        state.isScheduled = true
        return due
    }

    /// Only while something is held back, so that a quiet process has no thread for it.
    private func look(in milliseconds: UInt64) {
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Int(milliseconds))) { [self] in
            let now = Deadline.current().milliseconds
            writeDue(at: now)
            let due = state.withLock { state in
                state.isScheduled = false
                return schedule(&state)
            }
            if let due { look(in: max(1, due - min(due, now))) }
        }
    }

    private func writeDue(at now: UInt64) {
        let summaries = state.withLock { $0.table.takeDue(interval: interval, at: now) }
        for summary in summaries { write(summary) }
    }
}
