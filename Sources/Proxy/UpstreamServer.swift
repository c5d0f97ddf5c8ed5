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
    package let weight: Int
    /// Whether the connections are made inside TLS.
    package let isSecure: Bool
    /// Where the server can be reached; replaced as a whole when its name resolves to something else.
    package var addresses: [SocketAddress]
    /// Whether requests may be sent here, as far as health is known.
    package var isAvailable = true
    /// Requests under way to this server from this worker.
    package internal(set) var activeRequests = 0

    private var nextAddress = 0
    var idle = ConnectionPool()

    package init(index: Int, name: String, weight: Int, isSecure: Bool, addresses: [SocketAddress]) {
        self.index = index
        self.name = name
        self.weight = weight
        self.isSecure = isSecure
        self.addresses = addresses
    }

    /// The address for the next connection: each in turn.
    func takeAddress() -> SocketAddress? {
        guard !addresses.isEmpty else { return nil }
        nextAddress = nextAddress < addresses.count ? nextAddress : 0
        defer { nextAddress += 1 }
        return addresses[nextAddress]
    }
}
