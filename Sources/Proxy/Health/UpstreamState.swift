import Synchronization
import Transport

/// The state of one upstream for all workers: the health of its servers, and the requests that wait for one of them.
///
/// It is locked only when a request fails, when the first one succeeds again, and when requests wait.
package final class UpstreamState: Sendable {
    package let name: String
    package let queue: RequestQueue
    private let members: Mutex<Members>

    private struct Members {
        var servers: [ServerState]
        var book: HealthBook

        /// The index of a server; nil for one that is no longer among them.
        func place(of server: ServerState) -> Int? { servers.firstIndex { $0 === server } }

        func applyHealth() {
            for (index, server) in servers.enumerated() {
                if !book.isUp(index) { server.setUp(false, at: Deadline(milliseconds: 0)) }
                server.setEjected(until: book.ejectedUntil(index))
            }
        }
    }

    /// - Parameter old: the state of the upstream of this name before a reload; the state of its servers is kept.
    package init(
        name: String, servers: [ServerState], rules: HealthRules, queueLimit: Int, inheriting old: UpstreamState?
    ) {
        self.name = name
        queue = RequestQueue(limit: queueLimit)
        var known = HealthBook(servers.map(\.name), rules: rules)
        if let old { known.inherit(from: old.members.withLock { $0.book }) }
        let first = Members(servers: servers, book: known)
        first.applyHealth()
        members = Mutex(first)
    }

    package var servers: [ServerState] { members.withLock { $0.servers } }

    /// Switches to other servers; what is known of those of the same names is kept.
    package func replaceServers(_ servers: [ServerState]) {
        members.withLock { members in
            members.book.follow(servers.map(\.name))
            members.servers = servers
            members.applyHealth()
        }
    }

    /// Passes the capacity of new servers, or of those with a larger limit, to waiting requests.
    package func offerCapacity(at now: Deadline) {
        for server in servers where server.isAvailable(at: now) {
            while queue.count > 0, server.enter() {
                if queue.hand(over: server) { continue }
                server.leave()
                break
            }
        }
    }

    // MARK: Results of requests and checks

    /// - Returns: whether the server was ejected because of it.
    package func requestFailed(_ server: ServerState, at now: Deadline) -> Bool {
        server.failed()
        return members.withLock { members in
            guard let place = members.place(of: server), members.book.requestFailed(place, at: now) else {
                return false
            }
            server.setEjected(until: members.book.ejectedUntil(place))
            return true
        }
    }

    @inline(__always)
    package func requestSucceeded(_ server: ServerState) {
        if server.succeeded() { noteSuccess(server) }
    }

    private func noteSuccess(_ server: ServerState) {
        members.withLock { members in
            if let place = members.place(of: server) { members.book.requestSucceeded(place) }
        }
    }

    /// - Returns: whether the check changed the state of the server.
    package func checked(_ server: ServerState, passed: Bool, at now: Deadline) -> Bool {
        members.withLock { members in
            guard let place = members.place(of: server),
                passed ? members.book.checkPassed(place) : members.book.checkFailed(place)
            else { return false }
            server.setUp(passed, at: now)
            return true
        }
    }

    // MARK: Status

    /// The current state of each of `servers`.
    package func snapshot(of servers: [ServerState], at now: Deadline) -> [ServerHealth] {
        members.withLock { members in
            let places = Dictionary(
                uniqueKeysWithValues: members.servers.enumerated().map { (ObjectIdentifier($1), $0) })
            return servers.map { server in
                let place = places[ObjectIdentifier(server)]
                let end = place.map { members.book.ejectedUntil($0) } ?? now
                return ServerHealth(
                    name: server.name, isUp: place.map { members.book.isUp($0) } ?? true,
                    ejectedFor: end > now ? end.milliseconds - now.milliseconds : nil,
                    activeRequests: server.maximumRequests == nil ? nil : server.activeRequests,
                    tunnels: server.tunnels.counts)
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
