import Dispatch
import Synchronization

/// A few threads for work that would keep a worker from its connections: reading from a disk, hashing a password.
package final class SideThreads: Sendable {
    private let queues: [DispatchQueue]
    private let limit: Int
    private let pending = Atomic(0)
    private let turn = Atomic(0)

    /// - Parameters:
    ///   - width: how much is done at the same time.
    ///   - limit: how much may be under way or waiting.
    package init(_ name: String, width: Int, limit: Int) {
        queues = (0..<width).map { DispatchQueue(label: "\(name) \($0)") }
        self.limit = limit
    }

    /// Has `work` done soon; false when too much is waiting already.
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
}
