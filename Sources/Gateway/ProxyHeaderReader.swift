import Memory
import Transport

/// Receives the PROXY protocol header at the beginning of a connection, and no byte after it.
struct ProxyHeaderReader {
    private let endpoint: Endpoint

    init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    /// After it the endpoint has the addresses of the client's connection, unless the proxy connects for itself.
    func read(until deadline: Deadline) async throws(ProxyHeaderFailure) {
        while true {
            if let header = try receive() {
                if let client = header.client {
                    endpoint.stand(
                        for: SocketAddress(client.source, port: client.sourcePort),
                        at: SocketAddress(client.destination, port: client.destinationPort))
                }
                return
            }
            switch await endpoint.wait(for: .readable, until: deadline) {
            case .ready, .signalled, .draining, .hangup: continue
            case .deadline: throw .timeout
            case .aborted: throw .gone
            }
        }
    }

    /// Parses the received bytes; nil when the header is not complete.
    private func receive() throws(ProxyHeaderFailure) -> ProxyProtocolHeader? {
        let block = endpoint.worker.rentBlock()
        defer { endpoint.worker.returnBlock(block) }
        switch endpoint.peek(into: block) {
        case .wouldBlock: return nil
        case .end, .failed: throw .gone
        case .bytes(let count):
            let header: ProxyProtocolHeader?
            do throws(ProxyProtocolRejection) {
                header = try ProxyProtocolHeader.parse(
                    ByteView(block)[..<count].bytes)
            } catch {
                throw .refused(error)
            }
            guard let header else {
                if endpoint.peerFinished { throw .gone }
                return nil
            }
            guard endpoint.dropPeeked(header.length, using: block) == .bytes(header.length) else { throw .gone }
            return header
        }
    }
}

/// Why a connection that must begin with a PROXY protocol header has none.
enum ProxyHeaderFailure: Error, Equatable {
    case refused(ProxyProtocolRejection)
    case timeout
    /// The proxy closed the connection, or the gateway stops.
    case gone

    var reason: String {
        switch self {
        case .refused(let rejection): "\(rejection.reason)"
        case .timeout: "PROXY protocol header not received in time"
        case .gone: "connection ended within the PROXY protocol header"
        }
    }
}
