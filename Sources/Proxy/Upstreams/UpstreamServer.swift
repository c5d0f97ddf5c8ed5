import Transport

/// One server of an upstream as one worker sees it: where it is, what it is doing, and the connections kept to it.
///
/// Touched by its worker's thread only. What the workers have to agree on, such as health, stands outside and is told
/// to each of them.
package final class UpstreamServer {
    /// The server's place in its upstream, from 0.
    package let index: Int
    /// `host:port` of the URL, or the path of a socket: the name in logs, and the Host of requests that ask for it.
    package let name: String
    /// The name as it goes into requests.
    let authority: [UInt8]
    package let weight: Int
    /// Whether the server is asked only when none of the others may be.
    package let isBackup: Bool
    /// Over how long the server's share grows to its weight once it is available again.
    private let slowStart: Delay
    /// The name as a number, for hashes.
    let identity: UInt64
    /// The name as clients hold it in a cookie.
    let sign: [UInt8]
    /// Whether the connections are made inside TLS.
    package let isSecure: Bool
    /// Where the server can be reached; replaced as a whole when its name resolves to something else.
    var places: ServerAddresses
    /// Whether the addresses are not those it began with, so that a connection may be to one that it has left.
    private(set) var hasMoved = false
    /// What all workers know of the server.
    package let state: ServerState
    /// Requests under way to this server from this worker.
    package internal(set) var activeRequests = 0

    /// What the next TLS handshake with the server may resume; known to `UpstreamSecurity`.
    package var resumption: AnyObject?
    var idle = ConnectionPool()

    package init(
        index: Int, name: String, weight: Int, isSecure: Bool, addresses: [SocketAddress], isBackup: Bool = false,
        slowStart: Delay = .milliseconds(0), state: ServerState? = nil, sticky: StickySessions? = nil
    ) {
        self.index = index
        self.name = name
        authority = Array(name.utf8)
        self.weight = weight
        self.isSecure = isSecure
        places = ServerAddresses(addresses)
        self.isBackup = isBackup
        self.slowStart = slowStart
        self.state = state ?? ServerState(name: name)
        var hash = StableHash()
        hash.add(name)
        identity = hash.value
        sign = sticky?.sign(of: name) ?? []
    }

    /// The weight in hundredths, less while the server has not been back for long.
    @inline(__always)
    func currentWeight(at now: Deadline) -> Int {
        let full = weight * 100
        guard slowStart.milliseconds > 0 else { return full }
        let availability = state.availability(at: now)
        guard availability < slowStart.milliseconds else { return full }
        return max(1, full * Int(availability) / Int(slowStart.milliseconds))
    }

    /// Goes on at other addresses; connections kept to the old ones are closed.
    package func move(to addresses: [SocketAddress], at now: Deadline) {
        hasMoved = hasMoved || !self.addresses.isEmpty
        places.replace(with: addresses)
        idle.sweep(now: now, all: true)
    }

    /// Whether a connection to this address still leads to the server.
    func isAt(_ address: SocketAddress) -> Bool {
        addresses.contains { $0.ip == address.ip && $0.port == address.port }
    }

    package var addresses: [SocketAddress] { places.all }
}
