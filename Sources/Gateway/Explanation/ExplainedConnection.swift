import CLinux
import Glibc
import HTTP
import ISAPI
import Memory
import Transport

/// Passes one request through a connection of its own, without a network, and returns the response.
struct ExplainedConnection {
    /// Nil without TLS.
    let security: SecurityDescription?
    let client: IPAddress
    let limits: ConnectionLimits
    let trustedProxies: TrustedProxies?

    /// Passwords are checked within 30 s.
    private static let limitSeconds = 35

    /// The bytes of the response; nil when the system refuses a socket or a thread.
    func answer(_ request: [UInt8], _ router: ExplainingRouter) -> [UInt8]? {
        var descriptors: [Int32] = [-1, -1]
        let type = CLinux_SOCK_BLOCKING_STREAM_FLAGS
        guard unsafe socketpair(AF_UNIX, type, 0, &descriptors) == 0 else { return nil }
        let peer = OpenFile(adopting: descriptors[1])
        let own = descriptors[0]
        _ = fcntl(own, F_SETFL, O_NONBLOCK)
        guard let worker = try? Worker(index: 0) else {
            close(own)
            return nil
        }
        worker.perform { worker in serve(own, on: worker, router) }
        guard NativeThread.start("explain", { worker.run() }) else {
            close(own)
            return nil
        }
        defer {
            worker.perform {
                $0.abortConnections()
                $0.stop()
            }
        }
        return exchange(request, by: peer.number)
    }

    private func serve(_ descriptor: Int32, on worker: Worker, _ router: ExplainingRouter) {
        let local = SocketAddress(IPAddress(ipv4: 127 << 24 | 1), port: 0)
        guard
            let endpoint = Endpoint.open(
                Descriptor(adopting: descriptor), on: worker, local: local,
                remote: SocketAddress(client, port: 1))
        else { return }
        let connection = Opened(endpoint: endpoint)
        Task(executorPreference: worker) {
            let service = HTTPService(worker: worker, limits: limits, router: router)
            service.trustedProxies = trustedProxies
            await HTTPConnection(ExplainedStream(connection.endpoint, security), service: service).serve()
        }
    }

    /// The endpoint that is passed to its task; both run on the same worker.
    private struct Opened: @unchecked Sendable {
        let endpoint: Endpoint
    }

    private func exchange(_ request: [UInt8], by descriptor: Int32) -> [UInt8] {
        var time = timeval(tv_sec: Self.limitSeconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withBytes { SystemCalls.send(descriptor, $0) }
            // It may refuse a request before it has read all of it.
            guard count > 0 else { break }
            sent += count
        }
        var response: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16 << 10)
        while response.count < 1 << 20 {
            let count = SystemCalls.read(descriptor, into: &block)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            response += block[..<count]
            shutdown(descriptor, Int32(SHUT_WR))
        }
        return response
    }
}

/// A connection without a network that counts as one with TLS.
private final class ExplainedStream: ByteStream {
    private let plain: PlainStream
    let security: SecurityDescription?

    init(_ endpoint: Endpoint, _ security: SecurityDescription?) {
        plain = PlainStream(endpoint)
        self.security = security
    }

    var endpoint: Endpoint { plain.endpoint }
    var isSecure: Bool { security != nil }
    var site: String? { security?.site }

    func read(into buffer: MutableByteView) -> IOResult { plain.read(into: buffer) }

    func write(_ bytes: ByteView, isMoreComing: Bool) -> IOResult { plain.write(bytes, isMoreComing: isMoreComing) }

    func flush() -> IOResult { plain.flush() }

    func finish() { plain.finish() }
}
