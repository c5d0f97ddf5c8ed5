import Dispatch
import ISAPI
import Logging
import Synchronization

/// Logs entry points of extensions that do not return; in particular DllMain, which blocks every thread that waits for
/// it.
final class EntryPointWatch: Sendable {
    static let shared = EntryPointWatch()

    private struct State {
        var logger: Logger?
        var isLooking = false
        var named: Set<EntryPointCalls.Call> = []
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "entry-points")

    /// Seconds that a call may take without being logged.
    private static let patience = 5
    private static let interval = 1

    func start(_ logger: Logger) {
        state.withLock { $0.logger = logger }
        EntryPointCalls.observe { EntryPointWatch.shared.begun() }
    }

    /// Logs all calls in progress: the process does not wait for them any longer.
    func nameAll() {
        for call in EntryPointCalls.underWay { name(call) }
    }

    private func begun() {
        let begins = state.withLock { state in
            defer { state.isLooking = true }
            return !state.isLooking
        }
        if begins { look(after: Self.patience) }
    }

    private func look(after seconds: Int) {
        queue.asyncAfter(deadline: .now() + .seconds(seconds)) { [self] in
            let calls = EntryPointCalls.underWay
            for call in calls where call.elapsed >= .seconds(Self.patience) { name(call) }
            let isOver = state.withLock { state in
                state.isLooking = !calls.isEmpty
                if calls.isEmpty { state.named = [] }
                return calls.isEmpty
            }
            if !isOver { look(after: Self.interval) }
        }
    }

    private func name(_ call: EntryPointCalls.Call) {
        let (isNew, logger) = state.withLock { ($0.named.insert(call).inserted, $0.logger) }
        guard isNew else { return }
        let seconds = call.elapsed.components.seconds
        logger?.warning("extension library \(call.path): \(call.function) has not returned for \(seconds) s")
    }
}
