import Synchronization
import Transport

/// What all workers know of one upstream: the health of its servers, and the requests that wait for one of them.
///
/// It is locked only when a request fails, when the first one succeeds again, and when requests wait.
package final class UpstreamState: Sendable {
    package let name: String
    package let servers: [ServerState]
    package let queue: RequestQueue
    private let book: Mutex<HealthBook>

    /// - Parameter old: the state of the upstream of this name before a reload; what is known of servers goes on.
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

    // MARK: What requests and checks find

    /// - Returns: whether the server was ejected for it.
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

    /// - Returns: whether the check changed what the server counts as.
    package func checked(_ server: Int, passed: Bool, at now: Deadline) -> Bool {
        book.withLock { book in
            guard passed ? book.checkPassed(server) : book.checkFailed(server) else { return false }
            servers[server].setUp(passed, at: now)
            return true
        }
    }

    // MARK: Status

    /// What is known of each server now.
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

/// A server as the status shows it.
package struct ServerHealth: Equatable, Sendable {
    package var name: String
    /// As checks have found it.
    package var isUp: Bool
    /// Milliseconds left, while it is ejected.
    package var ejectedFor: UInt64?
    /// Nil for a server whose requests are not limited, and so not counted.
    package var activeRequests: Int?
    package var tunnels: TunnelCounters.Counts
}
