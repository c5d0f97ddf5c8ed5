import CLinux
import Glibc

/// A bound and listening socket on one worker; each worker has its own for the same address (SO_REUSEPORT).
package final class Listener: EventSource {
    package let address: SocketAddress
    private let descriptor: Int32
    private let worker: Worker
    private let delegate: any ListenerDelegate
    /// Held back so that a full descriptor table can still accept, and refuse, the connection at the head of the queue.
    private var reserve: Int32

    /// Bytes handed to the system that are not on their way; more than any link needs between two turns (tcp(7)).
    private static let unsentLimit: Int32 = 256 << 10
    /// Connections accepted in one turn before others get theirs.
    private static let acceptsPerTurn = 64

    /// Registers an already listening descriptor; on the worker's thread.
    package init(_ socket: ListeningSocket, on worker: Worker, delegate: any ListenerDelegate) {
        descriptor = socket.release()
        address = SocketAddress(localOf: descriptor)
        self.worker = worker
        self.delegate = delegate
        reserve = unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        super.init()
        // Connections have it from here. The system would keep up to 4 MiB for each client that reads slowly, and with a
        // thousand of them run out of memory for all sockets.
        _ = CLinux_set_option(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, Self.unsentLimit)
        _ = worker.watch(self, descriptor: descriptor, events: CLinux_EPOLLIN)
    }

    deinit {
        if reserve >= 0 { Glibc.close(reserve) }
    }

    /// Stops accepting; connections already accepted go on.
    package func close() {
        worker.unwatch(descriptor: descriptor)
        Glibc.close(descriptor)
    }

    override func handle(_ events: UInt32) {
        for _ in 0..<Self.acceptsPerTurn {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let accepted = unsafe CLinux_accept(descriptor, &storage, &length)
            if accepted >= 0 {
                open(accepted, from: SocketAddress(storage))
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED, EPROTO: continue
            case EAGAIN: return
            case EMFILE, ENFILE:
                refuseForWantOfDescriptors()
                return
            default:
                delegate.acceptFailed(errno, on: self)
                return
            }
        }
    }

    private func open(_ accepted: Int32, from remote: SocketAddress) {
        guard delegate.admits(remote, on: self) else {
            Glibc.close(accepted)
            return
        }
        _ = CLinux_set_option(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        let local = SocketAddress(localOf: accepted)
        if let endpoint = Endpoint.open(accepted, on: worker, local: local, remote: remote) {
            delegate.accepted(endpoint, on: self)
        } else {
            let failure = errno
            Glibc.close(accepted)
            delegate.notOpened(failure, on: self)
        }
    }

    private func refuseForWantOfDescriptors() {
        let failure = errno
        if reserve >= 0 { Glibc.close(reserve) }
        let refused = accept(descriptor, nil, nil)
        if refused >= 0 { Glibc.close(refused) }
        reserve = unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        delegate.acceptFailed(failure, on: self)
    }
}

/// What decides about, and takes over, the connections of a listener; called on the listener's worker.
package protocol ListenerDelegate: AnyObject {
    /// Whether one more connection may be served; a refused one is closed at once.
    func admits(_ remote: SocketAddress, on listener: Listener) -> Bool
    func accepted(_ endpoint: Endpoint, on listener: Listener)
    /// An admitted connection could not be registered.
    func notOpened(_ errno: Int32, on listener: Listener)
    /// accept4(2) failed with `errno`; a connection was refused when it is EMFILE or ENFILE.
    func acceptFailed(_ errno: Int32, on listener: Listener)
}

/// A listening descriptor that nobody watches yet; closed with its owner.
package final class ListeningSocket {
    private var descriptor: Int32

    /// Binds `address` with SO_REUSEPORT so that several workers can share it.
    ///
    /// - Parameter exclusive: first make sure that no other process has the address; SO_REUSEPORT alone would
    ///   silently share it with another gateway of the same user.
    /// - Throws: EADDRINUSE, EACCES and the like as `TransportFailure.system`.
    package init(_ address: SocketAddress, exclusive: Bool) throws(TransportFailure) {
        if exclusive && address.port != 0 {
            let probe = try Self.bind(address, sharing: false)
            Glibc.close(probe)
        }
        descriptor = try Self.listening(on: address)
    }

    /// Takes over a descriptor that is bound and listening already.
    package init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// The same socket by another descriptor, with the same accept queue.
    package func duplicate() throws(TransportFailure) -> ListeningSocket {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .system(errno) }
        return ListeningSocket(adopting: copy)
    }

    /// The descriptor, to be handed to another process; the socket keeps it.
    package var borrowedDescriptor: Int32 { descriptor }

    package var address: SocketAddress { SocketAddress(localOf: descriptor) }

    fileprivate func release() -> Int32 {
        defer { descriptor = -1 }
        return descriptor
    }

    private static func listening(on address: SocketAddress) throws(TransportFailure) -> Int32 {
        let descriptor = try bind(address, sharing: true)
        guard listen(descriptor, 4096) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw .system(code)
        }
        return descriptor
    }

    private static func bind(_ address: SocketAddress, sharing: Bool) throws(TransportFailure) -> Int32 {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, CLinux_SOCK_STREAM_FLAGS, 0)
        guard descriptor >= 0 else { throw .system(errno) }
        _ = CLinux_set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if sharing { _ = CLinux_set_option(descriptor, SOL_SOCKET, CLinux_SO_REUSEPORT, 1) }
        if address.isIPv6 { _ = CLinux_set_option(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        guard unsafe address.withSocketAddress({ unsafe Glibc.bind(descriptor, $0, $1) }) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw .system(code)
        }
        return descriptor
    }
}
