import Glibc
import HTTP
import ISAPI
import Synchronization

/// Takes the stacks for a slow log, so many in a second; shared by all workers.
final class StackTaker: Sendable {
    private let perSecond: Int
    private let state = Mutex(State())

    private struct State {
        var second = 0
        var inSecond = 0
        var counts = StackCounts()
    }

    init(perSecond: Int) {
        self.perSecond = perSecond
    }

    /// Looks what the extension does for the request; `found` is called on another thread. False if there were too many.
    func take(_ request: RequestID, _ found: @escaping @Sendable (ExtensionActivity) -> Void) -> Bool {
        let second = Int(time(nil))
        let isAllowed = state.withLock { state in
            if state.second != second { (state.second, state.inSecond) = (second, 0) }
            state.inSecond += 1
            return state.inSecond <= perSecond
        }
        let isTaken =
            isAllowed
            && ExtensionActivity.look(for: request) { activity in
                self.count(activity)
                found(activity)
            }
        if !isTaken { state.withLock { $0.counts.dropped += 1 } }
        return isTaken
    }

    private func count(_ activity: ExtensionActivity) {
        guard case .running(let stack) = activity else { return }
        state.withLock { state in
            if case .taken = stack { state.counts.taken += 1 } else { state.counts.refused += 1 }
        }
    }

    var counts: StackCounts { state.withLock { $0.counts } }
}

/// What has become of stacks that the slow log was to have.
package struct StackCounts: Codable, Equatable, Sendable {
    package var taken = 0
    /// There were more in a second than are taken.
    package var dropped = 0
    /// The thread did not answer.
    package var refused = 0
}
