import Proxy
import TLS
import Transport

/// TLS to the servers of one upstream.
final class UpstreamTLS: UpstreamSecurity, Sendable {
    private let context: TLSClientContext

    init(_ context: TLSClientContext) {
        self.context = context
    }

    func secure(_ endpoint: Endpoint, to server: UpstreamServer, until deadline: Deadline) async -> SecuredStream {
        let stream: TLSStream
        do throws(TLSError) {
            stream = try TLSStream(
                endpoint, to: server.secureName, client: context,
                resuming: server.resumption as? TLSResumption)
        } catch {
            return .failed(error.description)
        }
        switch await stream.handshake(until: deadline) {
        case .done: return .secured(stream)
        case .failed(let reason):
            if endpoint.isAborted { return .aborted }
            return endpoint.worker.now >= deadline ? .late : .failed(reason)
        }
    }

    func resumption(of stream: any ByteStream) -> AnyObject? {
        (stream as? TLSStream)?.resumption()
    }
}
