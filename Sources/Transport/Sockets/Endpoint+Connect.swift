import CLinux
import Glibc

// Outgoing connections.
extension Endpoint {
    /// Starts a connection to `remote` on the worker's thread. It is established once the endpoint is writable and
    /// `connectFailure()` returns nil.
    ///
    /// - Throws: the immediate error of connect(2), or of creating the descriptor.
    package static func connect(to remote: SocketAddress, on worker: Worker) throws(TransportFailure) -> Endpoint {
        let descriptor = Descriptor(adopting: socket(remote.family, CLinux_SOCK_STREAM_FLAGS, 0))
        guard descriptor.isOpen else { throw .system(errno) }
        let number = descriptor.number
        if remote.family != AF_UNIX { _ = CLinux_set_option(number, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        let status = unsafe remote.withSocketAddress { unsafe Glibc.connect(number, $0, $1) }
        guard status == 0 || errno == EINPROGRESS else { throw .system(errno) }
        let local = SocketAddress(localOf: number)
        guard
            let endpoint = Endpoint.open(
                descriptor, on: worker, local: local, remote: remote, isConnected: status == 0)
        else { throw .system(errno) }
        return endpoint
    }

    /// Why the connection could not be established (SO_ERROR); nil if it is established.
    package func connectFailure() -> TransportFailure? {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return .system(errno) }
        return code == 0 ? nil : .system(code)
    }
}
