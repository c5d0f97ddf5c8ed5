import HTTP
import Transport

// Making connections to servers.
extension Upstream {
    /// A new connection to one of the server's addresses.
    ///
    /// The addresses are tried one after the other, and each but the last leaves time for the others (after RFC 8305
    /// §5): one that does not answer must not take the whole of `connectTimeout`.
    ///
    /// - Parameter exchange: the exchange that needs the connection; if its client disconnects, the attempt ends.
    func connect(
        to server: UpstreamServer, for exchange: Exchange, until end: Deadline
    ) async throws(ForwardingFailure) -> UpstreamConnection {
        let deadline = min(end, worker.now.advanced(by: settings.connectTimeout))
        var failure = ProxyFailure.noServer
        let order = server.places.takeOrder(at: worker.now)
        for (tried, place) in order.enumerated() {
            // The addresses may have been replaced meanwhile.
            guard place < server.addresses.count, worker.now < deadline else { break }
            let address = server.addresses[place]
            let end = ServerAddresses.turnEnd(of: deadline, at: worker.now, left: order.count - tried)
            do throws(ForwardingFailure) {
                return try await connect(to: address, of: server, for: exchange, until: end)
            } catch {
                guard case .upstream(let reason) = error else { throw error }
                if server.addresses.count > 1 { server.places.noteFailure(of: place, at: worker.now) }
                if reason.connectProgress > failure.connectProgress { failure = reason }
            }
        }
        throw .upstream(failure == .noServer && !order.isEmpty ? .connectTimeout : failure)
    }

    private func connect(
        to address: SocketAddress, of server: UpstreamServer, for exchange: Exchange, until deadline: Deadline
    ) async throws(ForwardingFailure) -> UpstreamConnection {
        let endpoint: Endpoint
        do throws(TransportFailure) {
            endpoint = try Endpoint.connect(to: address, on: worker)
        } catch {
            throw .upstream(.connectFailed(error))
        }
        do throws(ForwardingFailure) {
            try await establish(endpoint, for: exchange.endpoint, until: deadline)
            if let version = settings.proxyProtocol { try endpoint.announce(ProxyAnnouncement(exchange), version) }
            let stream = try await secure(endpoint, server, until: deadline)
            return UpstreamConnection(stream, retirement: worker.now.advanced(by: settings.keptLifetime))
        } catch {
            // The server needs time to read the alert about its certificate.
            if case .upstream(.handshakeFailed) = error { endpoint.closeLingeringAside() } else { endpoint.reset() }
            throw error
        }
    }

    private func establish(
        _ endpoint: Endpoint, for client: WaitingEndpoint, until deadline: Deadline
    ) async throws(ForwardingFailure) {
        while true {
            switch await client.wait(for: .hangup | .finished, or: .writable, on: endpoint, until: deadline) {
            case .ready:
                if let failure = endpoint.connectFailure() { throw .upstream(.connectFailed(failure)) }
                return
            case .signalled, .draining: continue
            case .hangup: throw .client(.clientGone(.reset))
            case .deadline: throw .upstream(.connectTimeout)
            case .aborted: throw .client(.aborted)
            }
        }
    }

    private func secure(
        _ endpoint: Endpoint, _ server: UpstreamServer, until deadline: Deadline
    ) async throws(ForwardingFailure) -> any ByteStream {
        guard server.isSecure else { return PlainStream(endpoint) }
        guard let security else { preconditionFailure("a server with TLS comes with what negotiates it") }
        switch await security.secure(endpoint, to: server, until: deadline) {
        case .secured(let stream): return stream
        case .failed(let reason): throw .upstream(.handshakeFailed(reason))
        case .late: throw .upstream(.connectTimeout)
        case .aborted: throw .client(.aborted)
        }
    }
}

/// TLS with servers, as a protocol: the gateway supplies the implementation from a module that this one does not
/// import.
package protocol UpstreamSecurity: AnyObject {
    /// Performs the TLS handshake on an established connection; the endpoint still belongs to the caller when that
    /// fails.
    func secure(_ endpoint: Endpoint, to server: UpstreamServer, until deadline: Deadline) async -> SecuredStream

    /// The session that the next connection to the same server may resume, now that the stream has carried a response.
    func resumption(of stream: any ByteStream) -> AnyObject?
}

package enum SecuredStream {
    case secured(any ByteStream)
    /// The reason in a few words.
    case failed(String)
    case late, aborted
}
