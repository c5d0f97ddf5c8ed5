import Redis
import TLS
import Transport

/// TLS to the servers of one engine.
final class RedisTLS: RedisSecurity, Sendable {
    private let context: TLSClientContext
    private let serverName: String?

    /// - Parameter serverName: what certificates must have in place of the name in the URL; nil for that.
    init(_ context: TLSClientContext, serverName: String?) {
        self.context = context
        self.serverName = serverName
    }

    func secure(_ endpoint: Endpoint, to name: String, until deadline: Deadline) async -> SecuredRedis {
        let stream: TLSStream
        do throws(TLSError) {
            stream = try TLSStream(endpoint, to: serverName ?? name, client: context, resuming: nil)
        } catch {
            return .failed(error.description)
        }
        switch await stream.handshake(until: deadline) {
        case .done: return .secured(stream)
        case .failed(let reason): return .failed(reason)
        }
    }
}
