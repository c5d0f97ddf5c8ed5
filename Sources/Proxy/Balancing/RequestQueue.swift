import Synchronization
import Transport

/// Requests of all workers that wait for a server with capacity, first come first served.
///
/// A capacity unit that becomes free at a server is passed directly to the first request in the queue and never appears
/// free in between, so no request overtakes another.
package final class RequestQueue: Sendable {
    package let limit: Int
    private let waiting = Mutex<[Waiter]>([])
    /// The number of waiting requests, for checks whether there are any.
    private let length = Atomic(0)

    /// One waiting request, woken by a signal to its client's endpoint.
    final class Waiter: Sendable {
        private let endpoint: WaitingEndpoint
        private let server = Mutex<ServerState?>(nil)

        init(_ endpoint: WaitingEndpoint) {
            self.endpoint = endpoint
        }

        /// The server at which capacity was granted; nil while it waits.
        var granted: ServerState? { server.withLock { $0 } }

        fileprivate func grant(_ granted: ServerState) {
            server.withLock { $0 = granted }
            endpoint.signal()
        }
    }

    /// - Parameter limit: requests that may wait; further ones are refused.
    package init(limit: Int) {
        self.limit = limit
    }

    package var count: Int { length.load(ordering: .relaxed) }

    /// Appends a request to the queue; nil when it is full.
    func enter(_ endpoint: WaitingEndpoint) -> Waiter? {
        waiting.withLock { waiting in
            guard waiting.count < limit else { return nil }
            let waiter = Waiter(endpoint)
            waiting.append(waiter)
            length.store(waiting.count, ordering: .relaxed)
            return waiter
        }
    }

    /// Stops waiting; false when capacity was already granted, which the caller then has.
    func leave(_ waiter: Waiter) -> Bool {
        waiting.withLock { waiting in
            guard let index = waiting.firstIndex(where: { $0 === waiter }) else { return false }
            waiting.remove(at: index)
            length.store(waiting.count, ordering: .relaxed)
            return true
        }
    }

    /// Passes capacity at a server to the first waiting request; false when there is none.
    func hand(over server: ServerState) -> Bool {
        guard count > 0 else { return false }
        return waiting.withLock { waiting in
            guard !waiting.isEmpty else { return false }
            waiting.removeFirst().grant(server)
            length.store(waiting.count, ordering: .relaxed)
            return true
        }
    }
}
