import Synchronization
import Transport

/// Requests that wait for a server to have room, first come first served, from all workers.
///
/// A place at a server that becomes free is handed to the first in the queue and never appears free in between, so
/// nobody overtakes.
package final class RequestQueue: Sendable {
    private let limit: Int
    private let waiting = Mutex<[Waiter]>([])
    /// How many wait, for those who only want to know whether any do.
    private let length = Atomic(0)

    /// One waiting request, woken by a signal to its client's endpoint.
    final class Waiter: Sendable {
        private let endpoint: WaitingEndpoint
        private let server = Atomic(-1)

        init(_ endpoint: WaitingEndpoint) {
            self.endpoint = endpoint
        }

        /// The index of the server at which a place was handed over; nil while it waits.
        var granted: Int? {
            let index = server.load(ordering: .acquiring)
            return index < 0 ? nil : index
        }

        fileprivate func grant(_ index: Int) {
            server.store(index, ordering: .releasing)
            endpoint.signal()
        }
    }

    /// - Parameter limit: requests that may wait; one more is refused.
    package init(limit: Int) {
        self.limit = limit
    }

    package var count: Int { length.load(ordering: .relaxed) }

    /// Goes to the end of the queue; nil when it is full.
    func enter(_ endpoint: WaitingEndpoint) -> Waiter? {
        waiting.withLock { waiting in
            guard waiting.count < limit else { return nil }
            let waiter = Waiter(endpoint)
            waiting.append(waiter)
            length.store(waiting.count, ordering: .relaxed)
            return waiter
        }
    }

    /// Gives up waiting; false when a place was handed over already, which the caller then has.
    func leave(_ waiter: Waiter) -> Bool {
        waiting.withLock { waiting in
            guard let index = waiting.firstIndex(where: { $0 === waiter }) else { return false }
            waiting.remove(at: index)
            length.store(waiting.count, ordering: .relaxed)
            return true
        }
    }

    /// Hands a place at a server to the first that waits; false when nobody does.
    func hand(over server: Int) -> Bool {
        guard count > 0 else { return false }
        return waiting.withLock { waiting in
            guard !waiting.isEmpty else { return false }
            waiting.removeFirst().grant(server)
            length.store(waiting.count, ordering: .relaxed)
            return true
        }
    }
}
