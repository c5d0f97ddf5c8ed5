import Synchronization
import Transport

/// The state of one upstream for all workers: the health of its servers, and the requests that wait for one of them.
///
/// It is locked only when a request fails, when the first one succeeds again, and when requests wait.
package final class UpstreamState: Sendable {
    package let name: String
    package let servers: [ServerState]
    package let queue: RequestQueue
    private let book: Mutex<HealthBook>

    /// - Parameter old: the state of the upstream of this name before a reload; the state of its servers is kept.
    package init(
        name: String, servers: [ServerState], rules: HealthRules, queueLimit: Int, inheriting old: UpstreamState?
    ) {
        self.name = name
        self.servers = servers
        queue = RequestQueue(limit: queueLimit)
        var known = HealthBook(servers.map(\.name), rules: rules)
        if let old { known.inherit(from: old.book.withLock { $0 }) }
        for (index, server) in servers.enumerated() {
            if !known.isUp(index) { server.setUp(false, at: Deadline(milliseconds: 0)) }
            server.setEjected(until: known.ejectedUntil(index))
        }
        book = Mutex(known)
    }

    // MARK: Results of requests and checks

    /// - Returns: whether the server was ejected because of it.
    package func requestFailed(_ server: Int, at now: Deadline) -> Bool {
        servers[server].failed()
        return book.withLock { book in
            guard book.requestFailed(server, at: now) else { return false }
            servers[server].setEjected(until: book.ejectedUntil(server))
            return true
        }
    }

    @inline(__always)
    package func requestSucceeded(_ server: Int) {
        if servers[server].succeeded() { book.withLock { $0.requestSucceeded(server) } }
    }

    /// - Returns: whether the check changed the state of the server.
    package func checked(_ server: Int, passed: Bool, at now: Deadline) -> Bool {
        book.withLock { book in
            guard passed ? book.checkPassed(server) : book.checkFailed(server) else { return false }
            servers[server].setUp(passed, at: now)
            return true
        }
    }

    // MARK: Status

    /// The current state of each server.
    package func snapshot(at now: Deadline) -> [ServerHealth] {
        book.withLock { book in
            servers.indices.map { index in
                let end = book.ejectedUntil(index)
                return ServerHealth(
                    name: servers[index].name, isUp: book.isUp(index),
                    ejectedFor: end > now ? end.milliseconds - now.milliseconds : nil,
                    activeRequests: servers[index].maximumRequests == nil ? nil : servers[index].activeRequests,
                    tunnels: servers[index].tunnels.counts)
            }
        }
    }
}

/// A server as the status displays it.
package struct ServerHealth: Equatable, Sendable {
    package var name: String
    /// According to checks.
    package var isUp: Bool
    /// Remaining milliseconds, while it is ejected.
    package var ejectedFor: UInt64?
    /// Nil for a server whose requests are not limited, and so not counted.
    package var activeRequests: Int?
    package var tunnels: TunnelCounters.Counts
}
