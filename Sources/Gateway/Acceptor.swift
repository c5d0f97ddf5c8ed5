import HTTP
import Synchronization
import TLS
import Transport

/// Takes over the connections of one listener on one worker: admission, handshake, HTTP.
final class Acceptor: ListenerDelegate, @unchecked Sendable {
    private let service: HTTPService
    private var certificates: CertificateStore?
    private var proxies: [IPNetwork]?
    private var handshakeTimeout: Delay
    private let admission: Admission
    private let logs: AcceptorLogs

    init(
        service: HTTPService, certificates: CertificateStore?, proxies: [IPNetwork]?, handshakeTimeout: Delay,
        admission: Admission, logs: AcceptorLogs
    ) {
        self.service = service
        self.certificates = certificates
        self.proxies = proxies
        self.handshakeTimeout = handshakeTimeout
        self.admission = admission
        self.logs = logs
    }

    /// Uses other certificates and trusts other proxies for the connections that begin from now on; on the worker's
    /// thread.
    func serve(_ certificates: CertificateStore?, proxies: [IPNetwork]?, handshakeTimeout: Delay) {
        self.certificates = certificates
        self.proxies = proxies
        self.handshakeTimeout = handshakeTimeout
    }

    func admits(_ remote: SocketAddress, on listener: Listener) -> Bool {
        if let proxies, !(remote.ip.map(proxies.contain) ?? false) {
            logs.refused.note("not a proxy whose PROXY protocol header is believed", from: remote)
            return false
        }
        if admission.enter() { return true }
        logs.refused.note("max_connections (\(admission.limit)) reached", from: remote)
        return false
    }

    func accepted(_ endpoint: Endpoint, on listener: Listener) {
        let connection = Accepted(endpoint: endpoint)
        Task(executorPreference: service.worker) {
            await self.serve(connection.endpoint)
            self.admission.leave()
        }
    }

    func notOpened(_ errno: Int32, on listener: Listener) {
        admission.leave()
        logs.refused.note("cannot watch the connection: \(systemMessage(errno))", from: nil)
    }

    func acceptFailed(_ errno: Int32, on listener: Listener) {
        logs.refused.note("accept: \(systemMessage(errno))", from: nil)
    }

    private func serve(_ endpoint: Endpoint) async {
        if proxies != nil { guard await readProxyHeader(endpoint) else { return } }
        guard let certificates else { return await connection(on: PlainStream(endpoint)).serve() }
        guard let stream = await secure(endpoint, certificates) else { return }
        await connection(on: stream).serve()
    }

    // What is over once HTTP begins stays out of the frame that lives as long as the connection.
    @inline(never)
    private func connection(on stream: any ByteStream) -> HTTPConnection {
        HTTPConnection(stream, service: service)
    }

    /// Learns the client's addresses from the proxy in front; false, with the endpoint closed, when it does not tell.
    @inline(never)
    private func readProxyHeader(_ endpoint: Endpoint) async -> Bool {
        let deadline = service.worker.now.advanced(by: handshakeTimeout)
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
    private func secure(_ endpoint: Endpoint, _ certificates: CertificateStore) async -> TLSStream? {
        guard let stream = makeStream(endpoint, certificates) else { return nil }
        let outcome = await stream.handshake(until: service.worker.now.advanced(by: handshakeTimeout))
        guard case .failed(let reason) = outcome else { return stream }
        logs.handshakes.note(reason, from: endpoint.remoteAddress)
        if stream.hasSentAlert { await stream.closeLingering() } else { endpoint.close() }
        return nil
    }

    @inline(never)
    private func makeStream(_ endpoint: Endpoint, _ certificates: CertificateStore) -> TLSStream? {
        do throws(TLSError) {
            return try TLSStream(endpoint, certificates: certificates)
        } catch {
            logs.handshakes.note(error.reason, from: endpoint.remoteAddress)
            endpoint.reset()
            return nil
        }
    }

    /// The endpoint on its way into its task; both run on the same worker.
    private struct Accepted: @unchecked Sendable {
        let endpoint: Endpoint
    }
}

/// What acceptors report, one of each per worker.
struct AcceptorLogs {
    let refused: ReasonLog
    let handshakes: ReasonLog
}

/// Counts the connections of the whole gateway against `max_connections`.
final class Admission: Sendable {
    private let currentLimit: Atomic<Int>
    private let open = Atomic(0)

    init(limit: Int) {
        currentLimit = Atomic(limit)
    }

    var limit: Int {
        get { currentLimit.load(ordering: .relaxed) }
        set { currentLimit.store(newValue, ordering: .relaxed) }
    }

    /// Connections open now.
    var count: Int { open.load(ordering: .relaxed) }

    func enter() -> Bool {
        if open.add(1, ordering: .relaxed).newValue <= limit { return true }
        leave()
        return false
    }

    func leave() {
        open.subtract(1, ordering: .relaxed)
    }
}
