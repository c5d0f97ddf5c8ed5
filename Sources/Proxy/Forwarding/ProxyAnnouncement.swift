import HTTP
import Transport

/// The description of a request's connection that is sent to a server before everything else on its own connection: a
/// PROXY protocol header.
struct ProxyAnnouncement {
    /// Nil for a client without an IP address, and for the gateway's own connections.
    private let client: ProxyProtocolHeader.Client?
    private let facts: [ProxyProtocolEntry]

    /// For a connection of the gateway itself, such as that of a check.
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
    /// Sends the header on an established connection that has carried no data yet, so that all of it fits.
    func announce(_ announcement: ProxyAnnouncement, _ version: ProxyProtocolVersion) throws(ForwardingFailure) {
        let header = announcement.header(version)
        let result = header.withBytes { send($0) }
        switch result {
        case .bytes(header.count): return
        case .failed(let failure): throw .upstream(.connectFailed(failure))
        case .bytes, .wouldBlock, .end: throw .upstream(.connectFailed(.reset))
        }
    }
}
