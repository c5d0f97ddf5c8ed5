import HTTP
import Transport

/// What a server is told of the connection that a request came by, ahead of everything else on its own connection: a
/// PROXY protocol header.
struct ProxyAnnouncement {
    /// Nil for a client without an IP address, and where the gateway speaks for itself.
    private let client: ProxyProtocolHeader.Client?
    private let facts: [ProxyProtocolEntry]

    /// For a connection of the gateway's own, such as a check makes.
    init() {
        client = nil
        facts = []
    }

    init(_ exchange: Exchange) {
        let remote = exchange.clientAddress
        let local = exchange.endpoint.localAddress
        if let source = remote.ip, let destination = local.ip {
            client = ProxyProtocolHeader.Client(
                source: source, sourcePort: remote.port, destination: destination, destinationPort: local.port)
        } else {
            client = nil
        }
        guard let security = exchange.connection.stream.security else {
            facts = []
            return
        }
        facts =
            [.applicationProtocol("http/1.1")] + (security.serverName.map { [.authority($0)] } ?? [])
            + [.tls(security)]
    }

    func header(_ version: ProxyProtocolVersion) -> [UInt8] {
        switch version {
        case .one: ProxyProtocolWriter.version1(client)
        case .two: ProxyProtocolWriter.version2(client, facts)
        }
    }
}

extension Endpoint {
    /// Sends the header on a connection that stands and has carried nothing yet, which has room for all of it.
    func announce(_ announcement: ProxyAnnouncement, _ version: ProxyProtocolVersion) throws(ForwardingFailure) {
        let header = announcement.header(version)
        let result = unsafe header.withUnsafeBytes { unsafe send($0) }
        switch result {
        case .bytes(header.count): return
        case .failed(let failure): throw .upstream(.connectFailed(failure))
        case .bytes, .wouldBlock, .end: throw .upstream(.connectFailed(.reset))
        }
    }
}
