import Dispatch
import Glibc
import Synchronization

/// One line on standard error that shows how far long work is, on a terminal only; erased when the work has ended.
final class Progress: Sendable {
    private let state = Mutex(State())
    private let describe: @Sendable () -> String?

    private struct State {
        var isShown = false
        var hasEnded = false
    }

    /// Work of a moment shows nothing.
    private static let delay = DispatchTimeInterval.milliseconds(300)
    private static let interval = DispatchTimeInterval.milliseconds(500)

    /// Runs `work`; meanwhile a line has what `describe` returns on another thread, unless that is nil.
    static func show<Result, Failure: Error>(
        _ describe: @escaping @Sendable () -> String?, while work: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isatty(STDERR_FILENO) == 1 else { return try work() }
        let progress = Progress(describe)
        let timer = DispatchSource.makeTimerSource(queue: .global())
        timer.setEventHandler { progress.update() }
        timer.schedule(deadline: .now() + Self.delay, repeating: Self.interval)
        timer.resume()
        defer {
            timer.cancel()
            progress.end()
        }
        return try work()
    }

    private init(_ describe: @escaping @Sendable () -> String?) {
        self.describe = describe
    }

    private func update() {
        guard let text = describe() else { return }
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.isShown = true
            // The line is longer than the terminal is wide in no case.
            write("\r\u{1B}[K\(text.prefix(78))", to: STDERR_FILENO)
        }
    }

    private func end() {
        state.withLock { state in
            state.hasEnded = true
            if state.isShown { write("\r\u{1B}[K", to: STDERR_FILENO) }
        }
    }
}
