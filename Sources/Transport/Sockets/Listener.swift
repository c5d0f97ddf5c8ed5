import CLinux
import Glibc

/// A bound and listening socket of one worker; each worker has its own for the same address (SO_REUSEPORT).
package final class Listener: EventSource {
    package let address: SocketAddress
    private var socket: Descriptor
    private let worker: Worker
    private let delegate: any ListenerDelegate
    /// A spare descriptor: when the descriptor table is full, it is closed so that the connection at the head of the
    /// queue can still be accepted, and refused.
    private var reserve: Descriptor

    /// The limit of bytes that the system accepts but has not sent; more than any link needs between two turns
    /// (tcp(7)).
    private static let unsentLimit: Int32 = 256 << 10
    /// The number of connections accepted in one turn before other events are handled.
    private static let acceptsPerTurn = 64

    /// Registers a listening descriptor; on the worker's thread.
    package init(_ socket: ListeningSocket, on worker: Worker, delegate: any ListenerDelegate) {
        self.socket = socket.release()
        address = SocketAddress(localOf: self.socket.number)
        self.worker = worker
        self.delegate = delegate
        reserve = Self.reserve()
        super.init()
        // Accepted connections inherit this option. Without it the system would buffer up to 4 MiB for each client that
        // reads slowly, and a thousand such clients would exhaust the memory for all sockets.
        _ = CLinux_set_option(self.socket.number, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, Self.unsentLimit)
        _ = worker.watch(self, descriptor: self.socket.number, events: CLinux_EPOLLIN)
    }

    deinit {
        // epoll would otherwise continue to report a socket that another process also has open.
        close()
    }

    private static func reserve() -> Descriptor {
        Descriptor(adopting: unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC))
    }

    /// Stops accepting; accepted connections continue.
    package func close() {
        guard socket.isOpen else { return }
        worker.unwatch(descriptor: socket.number)
        socket.close()
    }

    /// Accepts the connections that wait, as many as in one turn: closing the socket would reset them.
    package func acceptWaiting() {
        if socket.isOpen { acceptSome() }
    }

    override func handle(_ events: UInt32) {
        acceptSome()
    }

    private func acceptSome() {
        for _ in 0..<Self.acceptsPerTurn {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let accepted = Descriptor(adopting: unsafe CLinux_accept(socket.number, &storage, &length))
            if accepted.isOpen {
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

    private func open(_ accepted: consuming Descriptor, from remote: SocketAddress) {
        guard delegate.admits(remote, on: self) else { return }
        _ = CLinux_set_option(accepted.number, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        let local = SocketAddress(localOf: accepted.number)
        if let endpoint = Endpoint.open(accepted, on: worker, local: local, remote: remote) {
            delegate.accepted(endpoint, on: self)
        } else {
            delegate.notOpened(errno, on: self)
        }
    }

    private func refuseForWantOfDescriptors() {
        let failure = errno
        reserve.close()
        _ = Descriptor(adopting: accept(socket.number, nil, nil))
        reserve = Self.reserve()
        delegate.acceptFailed(failure, on: self)
    }
}

/// Admits and receives the connections of a listener; called on the listener's worker.
package protocol ListenerDelegate: AnyObject {
    /// Whether another connection may be served; a refused one is closed at once.
    func admits(_ remote: SocketAddress, on listener: Listener) -> Bool
    func accepted(_ endpoint: Endpoint, on listener: Listener)
    /// An admitted connection could not be registered.
    func notOpened(_ errno: Int32, on listener: Listener)
    /// accept4(2) failed with `errno`; a connection was refused when it is EMFILE or ENFILE.
    func acceptFailed(_ errno: Int32, on listener: Listener)
}

/// A listening descriptor that is not watched yet; closed with its owner.
package final class ListeningSocket {
    private var descriptor: Descriptor

    /// Binds `address` with SO_REUSEPORT so that several workers can share it.
    ///
    /// - Parameter exclusive: whether to verify first that no other process is bound to the address; SO_REUSEPORT alone
    ///   would silently share it with another gateway of the same user.
    /// - Throws: EADDRINUSE, EACCES and the like as `TransportFailure.system`.
    package init(_ address: SocketAddress, exclusive: Bool) throws(TransportFailure) {
        if exclusive && address.port != 0 {
            _ = try Self.bind(address, sharing: false)
        }
        descriptor = try Self.listening(on: address)
    }

    /// Takes ownership of a descriptor that is already bound and listening.
    package init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    /// The same socket with another descriptor and the same accept queue.
    package func duplicate() throws(TransportFailure) -> ListeningSocket {
        let copy = descriptor.duplicate()
        guard copy.isOpen else { throw .system(errno) }
        return ListeningSocket(copy)
    }

    /// The descriptor, for passing it to another process; this object remains its owner.
    package var borrowedDescriptor: Int32 { descriptor.number }

    package var address: SocketAddress { SocketAddress(localOf: descriptor.number) }

    fileprivate func release() -> Descriptor {
        var released = Descriptor(adopting: -1)
        swap(&released, &descriptor)
        return released
    }

    private static func listening(on address: SocketAddress) throws(TransportFailure) -> Descriptor {
        let descriptor = try bind(address, sharing: true)
        guard listen(descriptor.number, 4096) == 0 else { throw .system(errno) }
        return descriptor
    }

    private static func bind(_ address: SocketAddress, sharing: Bool) throws(TransportFailure) -> Descriptor {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let descriptor = Descriptor(adopting: socket(family, CLinux_SOCK_STREAM_FLAGS, 0))
        guard descriptor.isOpen else { throw .system(errno) }
        let number = descriptor.number
        _ = CLinux_set_option(number, SOL_SOCKET, SO_REUSEADDR, 1)
        if sharing { _ = CLinux_set_option(number, SOL_SOCKET, CLinux_SO_REUSEPORT, 1) }
        if address.isIPv6 { _ = CLinux_set_option(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        guard unsafe address.withSocketAddress({ unsafe Glibc.bind(number, $0, $1) }) == 0 else {
            throw .system(errno)
        }
        return descriptor
    }
}
