import Dispatch
import Synchronization

/// A few threads for work that would block a worker: reading from a disk, hashing a password.
package final class SideThreads: Sendable {
    private let queues: [DispatchQueue]
    private let limit: Int
    private let pending = Atomic(0)
    private let turn = Atomic(0)

    /// - Parameters:
    ///   - width: the maximum number of jobs that run at the same time.
    ///   - limit: the maximum number of jobs that run or are queued.
    package init(_ name: String, width: Int, limit: Int) {
        queues = (0..<width).map { DispatchQueue(label: "\(name) \($0)") }
        self.limit = limit
    }

    /// Queues `work`; false if the limit is reached.
    package func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        guard pending.add(1, ordering: .relaxed).newValue <= limit else {
            pending.subtract(1, ordering: .relaxed)
            return false
        }
        let index = turn.add(1, ordering: .relaxed).newValue
        queues[Int(UInt(bitPattern: index) % UInt(queues.count))].async {
            work()
            self.pending.subtract(1, ordering: .relaxed)
        }
        return true
    }

    /// Waits until the work that was queued before is done.
    package func wait() {
        for queue in queues { queue.sync {} }
    }
}
