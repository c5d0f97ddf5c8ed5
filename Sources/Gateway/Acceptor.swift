import Memory
import HTTP
import Synchronization
import TLS
import Transport

/// Serves the accepted connections of one listener on one worker: admission, handshake, HTTP.
final class Acceptor: ListenerDelegate, @unchecked Sendable {
    private let service: HTTPService
    private var rules: AcceptorRules
    /// Answers plain HTTP on a listener with TLS.
    private let plainService: HTTPService
    private let admission: Admission
    private let clients: ClientConnections
    private let logs: AcceptorLogs
    /// The client towards which the connection counts that was admitted last and has not been opened yet; nil for a
    /// client that is not known yet.
    private var admitted: ClientKey?

    init(
        service: HTTPService, plainService: HTTPService, rules: AcceptorRules, admission: Admission,
        clients: ClientConnections, logs: AcceptorLogs
    ) {
        self.service = service
        self.plainService = plainService
        self.rules = rules
        self.admission = admission
        self.clients = clients
        self.logs = logs
    }

    /// Applies these rules to connections that begin from now on; on the worker's thread.
    func serve(_ rules: AcceptorRules) {
        self.rules = rules
    }

    func admits(_ remote: SocketAddress, on listener: Listener) -> Bool {
        if let proxies = rules.proxies, !(remote.ip.map(proxies.contain) ?? false) {
            logs.refused.note("not a proxy whose PROXY protocol header is believed", from: remote)
            return false
        }
        guard admission.enter() else {
            logs.refused.note("max_connections (\(admission.limit)) reached", from: remote)
            return false
        }
        admitted = nil
        // The client of a proxy's connection is known only after its header.
        guard rules.proxies == nil else { return true }
        do throws(ClientRefusal) {
            admitted = try admit(remote)
            return true
        } catch {
            admission.leave()
            logs.refused.note(error.reason, from: remote)
            return false
        }
    }

    func accepted(_ endpoint: Endpoint, on listener: Listener) {
        logs.accepted.increment()
        let connection = Accepted(endpoint: endpoint, client: admitted)
        Task(executorPreference: service.worker) {
            var client = connection.client
            var isServed = true
            if self.rules.proxies != nil { isServed = await self.identify(connection.endpoint, &client) }
            if isServed { await self.serve(connection.endpoint) }
            if let client { self.clients.leave(client) }
            self.admission.leave()
        }
    }

    func notOpened(_ errno: Int32, on listener: Listener) {
        admission.leave()
        if let admitted { clients.leave(admitted) }
        logs.refused.note("cannot watch the connection: \(systemMessage(errno))", from: nil)
    }

    func acceptFailed(_ errno: Int32, on listener: Listener) {
        logs.refused.note("accept: \(systemMessage(errno))", from: nil)
    }

    /// Counts a connection of a client, and the handshake that it begins with.
    ///
    /// - Returns: the client towards which it counts; nil for a proxy that connects for others.
    private func admit(_ remote: SocketAddress) throws(ClientRefusal) -> ClientKey? {
        guard let address = remote.ip, !rules.isProxy(address) else { return nil }
        let key = ClientKey(address)
        guard clients.enter(key) else { throw .connections(clients.limit) }
        let now = service.worker.now.milliseconds * 1000
        if rules.certificates != nil, let handshakes = rules.handshakes,
            handshakes.table.count(key.value, at: now) != nil
        {
            clients.leave(key)
            throw .handshakes(handshakes.limit)
        }
        return key
    }

    /// Reads the client of the connection from the proxy's header; false, with the endpoint closed, when it is not
    /// served.
    @inline(never)
    private func identify(_ endpoint: Endpoint, _ client: inout ClientKey?) async -> Bool {
        guard await readProxyHeader(endpoint) else { return false }
        do throws(ClientRefusal) {
            client = try admit(endpoint.remoteAddress)
            return true
        } catch {
            logs.refused.note(error.reason, from: endpoint.remoteAddress)
            endpoint.reset()
            return false
        }
    }

    private func serve(_ endpoint: Endpoint) async {
        let deadline = service.worker.now.advanced(by: rules.handshakeTimeout)
        guard let certificates = rules.certificates else {
            if rules.expectsHTTP2, await beginsHTTP2(endpoint, until: deadline) {
                return await MultiplexedConnection(PlainStream(endpoint), service: service).serve()
            }
            return await connection(on: PlainStream(endpoint)).serve()
        }
        switch await beginning(of: endpoint, until: deadline) {
        case .tls:
            guard let stream = await secure(endpoint, certificates, until: deadline) else { return }
            if stream.applicationProtocol == ChallengeCertificates.applicationProtocol {
                // The authority has seen the certificate (RFC 8737 §3).
                stream.finish()
                return endpoint.close()
            }
            guard stream.applicationProtocol == "h2" else { return await connection(on: stream).serve() }
            await MultiplexedConnection(stream, service: service).serve()
        case .text:
            logs.handshakes.note("http request", from: endpoint.remoteAddress)
            plainService.limits = service.limits
            await HTTPConnection(PlainStream(endpoint), service: plainService).serve()
        case .nothing(let reason):
            logs.handshakes.note(reason, from: endpoint.remoteAddress)
            endpoint.close()
        }
    }

    /// The first bytes of a connection on a listener with TLS.
    private enum Beginning {
        case tls
        /// A letter, as in a request of plain HTTP; no TLS record begins with one.
        case text
        case nothing(String)
    }

    /// Waits for the first byte without consuming it: until then, a client does not cost a TLS session.
    @inline(never)
    private func beginning(of endpoint: Endpoint, until deadline: Deadline) async -> Beginning {
        var byte: UInt8 = 0
        while true {
            switch BytesOfValues.withMutable(&byte, { endpoint.peek(into: $0) }) {
            case .bytes:
                endpoint.endPeeking()
                return (0x61...0x7A).contains(byte | 0x20) ? .text : .tls
            case .end: return .nothing("connection closed during handshake")
            case .failed: return .nothing("connection reset during handshake")
            case .wouldBlock: break
            }
            switch await endpoint.wait(for: .readable, until: deadline) {
            case .ready, .signalled, .draining, .hangup: continue
            case .deadline: return .nothing("handshake not finished in time")
            case .aborted: return .nothing("gateway stopped")
            }
        }
    }

    /// Whether a plain connection begins as one of HTTP/2 does, whose client knows that it may (RFC 9113 §3.3); the bytes
    /// stay where they are.
    @inline(never)
    private func beginsHTTP2(_ endpoint: Endpoint, until deadline: Deadline) async -> Bool {
        var bytes = InlineArray<4, UInt8>(repeating: 0)
        while true {
            let result = BytesOfValues.withMutable(&bytes) { endpoint.peek(into: $0) }
            guard case .bytes(let count) = result else {
                guard case .wouldBlock = result, await endpoint.wait(for: .readable, until: deadline) == .ready else {
                    return false
                }
                continue
            }
            let beginning = Array("PRI ".utf8)
            let isBegun = (0..<count).allSatisfy { bytes[$0] == beginning[$0] }
            if count == beginning.count || !isBegun {
                endpoint.endPeeking()
                return isBegun
            }
            guard await endpoint.wait(for: .readable, until: deadline) == .ready else {
                endpoint.endPeeking()
                return false
            }
        }
    }

    // Code that is finished before HTTP begins is kept out of the frame that lives as long as the connection.
    @inline(never)
    private func connection(on stream: any ByteStream) -> HTTPConnection {
        HTTPConnection(stream, service: service)
    }

    /// Reads the client's address from the proxy's header; false, with the endpoint closed, when there is none.
    @inline(never)
    private func readProxyHeader(_ endpoint: Endpoint) async -> Bool {
        let deadline = service.worker.now.advanced(by: rules.handshakeTimeout)
        do throws(ProxyHeaderFailure) {
            try await ProxyHeaderReader(endpoint).read(until: deadline)
            return true
        } catch {
            logs.refused.note(error.reason, from: endpoint.remoteAddress)
            endpoint.reset()
            return false
        }
    }

    /// The connection inside TLS; nil, with the endpoint closed, when the handshake fails.
    @inline(never)
    private func secure(
        _ endpoint: Endpoint, _ certificates: CertificateStore, until deadline: Deadline
    ) async -> TLSStream? {
        guard let stream = makeStream(endpoint, certificates) else { return nil }
        let outcome = await stream.handshake(until: deadline)
        guard case .failed(let reason) = outcome else {
            if let facts = stream.handshakeFacts { logs.completedHandshakes.record(facts) }
            return stream
        }
        logs.handshakes.note(reason, from: endpoint.remoteAddress)
        if stream.hasSentAlert { await stream.closeLingering() } else { endpoint.close() }
        return nil
    }

    @inline(never)
    private func makeStream(_ endpoint: Endpoint, _ certificates: CertificateStore) -> TLSStream? {
        do throws(TLSError) {
            return try TLSStream(endpoint, certificates: certificates, challenges: rules.tlsChallenges)
        } catch {
            logs.handshakes.note(error.reason, from: endpoint.remoteAddress)
            endpoint.reset()
            return nil
        }
    }

    /// The endpoint that is passed to its task; both run on the same worker.
    private struct Accepted: @unchecked Sendable {
        let endpoint: Endpoint
        let client: ClientKey?
    }
}

/// The rules of an acceptor; of one generation.
struct AcceptorRules {
    /// Nil for plain HTTP.
    let certificates: CertificateStore?
    /// The proxies whose connections begin with a PROXY protocol header; nil when clients connect directly.
    let proxies: [IPNetwork]?
    /// The proxies that name the client in a field of each request.
    let trusted: TrustedProxies?
    /// Whether clients may begin HTTP/2 without TLS.
    let expectsHTTP2: Bool
    let handshakeTimeout: Delay
    /// Nil for no limit.
    let handshakes: HandshakeLimit?
    /// Nil where no challenge of an authority is answered.
    let tlsChallenges: ChallengeCertificates?

    init(_ port: Generation.Port, _ generation: Generation) {
        certificates = port.certificates
        tlsChallenges = port.tlsChallenges
        proxies = port.proxies
        trusted = port.trusted
        expectsHTTP2 = port.expectsHTTP2
        handshakeTimeout = generation.handshakeTimeout
        handshakes = port.isAdmin ? nil : generation.handshakes
    }

    /// Whether connections from there carry requests of many clients.
    func isProxy(_ address: IPAddress) -> Bool {
        proxies?.contain(address) == true || trusted?.networks.contain(address) == true
    }
}

/// The logs of acceptors, one of each per worker.
struct AcceptorLogs {
    let refused: ReasonLog
    let handshakes: ReasonLog
    let completedHandshakes: HandshakeMetrics
    let accepted: RequestCounter
}

/// Counts the connections of the whole gateway against `max_connections`.
final class Admission: Sendable {
    private let currentLimit: Atomic<Int>
    private let open = Atomic(0)
    private let highest = Atomic(0)

    init(limit: Int) {
        currentLimit = Atomic(limit)
    }

    var limit: Int {
        get { currentLimit.load(ordering: .relaxed) }
        set { currentLimit.store(newValue, ordering: .relaxed) }
    }

    /// Connections open now.
    var count: Int { open.load(ordering: .relaxed) }

    /// The highest number of connections that were open at the same time since the last call.
    func takeHighest() -> Int { highest.exchange(count, ordering: .relaxed) }

    func enter() -> Bool {
        let count = open.add(1, ordering: .relaxed).newValue
        if count > highest.load(ordering: .relaxed) { highest.store(count, ordering: .relaxed) }
        if count <= limit { return true }
        leave()
        return false
    }

    func leave() {
        open.subtract(1, ordering: .relaxed)
    }
}
