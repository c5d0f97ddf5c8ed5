import Transport

/// One server of an upstream, as one worker uses it: its addresses, its load, and the idle connections to it.
///
/// Used by its worker's thread only. State that the workers share, such as health, is stored separately and passed to
/// each of them.
package final class UpstreamServer: @unchecked Sendable {
    /// The server's number in its upstream, which no other server gets as long as the upstream exists.
    package let index: Int
    /// `host:port` of the URL, or the path of a socket: the name in logs, and the Host of requests if it is configured
    /// so.
    package let name: String
    /// The name as bytes for requests.
    let authority: [UInt8]
    package private(set) var weight: Int
    /// Whether the server is used only when none of the others is available.
    package private(set) var isBackup: Bool
    /// The time in which the server's share grows to its weight once it is available again.
    private let slowStart: Delay
    /// The name as a number, for hashes.
    let identity: UInt64
    /// The tag in clients' cookies.
    let sign: [UInt8]
    /// Whether the connections use TLS.
    package let isSecure: Bool
    /// The name that its certificate must contain.
    package let secureName: String
    /// The server's addresses; replaced as a whole when its name resolves to others.
    var places: ServerAddresses
    /// Whether the addresses were replaced since the start, so that a connection may be to a former address.
    private(set) var hasMoved = false
    /// Whether it is no longer one of the upstream's servers.
    private(set) var isRemoved = false
    /// The state of the server for all workers.
    package let state: ServerState
    /// Requests in progress at this server from this worker.
    package internal(set) var activeRequests = 0

    package let counters = ServerCounters()

    /// The session that the next TLS handshake with the server may resume; its type is known to `UpstreamSecurity`.
    package var resumption: AnyObject?
    var idle = ConnectionPool()

    package init(
        index: Int, name: String, weight: Int, isSecure: Bool, secureName: String = "",
        addresses: [SocketAddress], isBackup: Bool = false,
        slowStart: Delay = .milliseconds(0), state: ServerState? = nil, sticky: StickySessions? = nil
    ) {
        self.index = index
        self.name = name
        authority = Array(name.utf8)
        self.weight = weight
        self.isSecure = isSecure
        self.secureName = secureName
        places = ServerAddresses(addresses)
        self.isBackup = isBackup
        self.slowStart = slowStart
        self.state = state ?? ServerState(name: name)
        var hash = StableHash()
        hash.add(name)
        identity = hash.value
        sign = sticky?.sign(of: name) ?? []
    }

    /// The weight in hundredths, less while the server has become available recently.
    @inline(__always)
    func currentWeight(at now: Deadline) -> Int {
        let full = weight * 100
        guard slowStart.milliseconds > 0 else { return full }
        let availability = state.availability(at: now)
        guard availability < slowStart.milliseconds else { return full }
        return max(1, full * Int(availability) / Int(slowStart.milliseconds))
    }

    /// Changes the server's share of the requests.
    package func change(weight: Int, isBackup: Bool) {
        self.weight = weight
        self.isBackup = isBackup
    }

    /// Idle connections are closed now, those in use when their request has ended.
    func remove(at now: Deadline) {
        isRemoved = true
        idle.sweep(now: now, all: true)
    }

    /// Switches to other addresses; idle connections to the old ones are closed.
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
