import CLinux
import Glibc

/// A bound and listening socket on one worker; each worker has its own for the same address (SO_REUSEPORT).
package final class Listener: EventSource {
    package let address: SocketAddress
    private var socket: Descriptor
    private let worker: Worker
    private let delegate: any ListenerDelegate
    /// Held back so that a full descriptor table can still accept, and refuse, the connection at the head of the queue.
    private var reserve: Descriptor

    /// Bytes handed to the system that are not on their way; more than any link needs between two turns (tcp(7)).
    private static let unsentLimit: Int32 = 256 << 10
    /// Connections accepted in one turn before others get theirs.
    private static let acceptsPerTurn = 64

    /// Registers an already listening descriptor; on the worker's thread.
    package init(_ socket: ListeningSocket, on worker: Worker, delegate: any ListenerDelegate) {
        self.socket = socket.release()
        address = SocketAddress(localOf: self.socket.number)
        self.worker = worker
        self.delegate = delegate
        reserve = Self.reserve()
        super.init()
        // Connections have it from here. The system would keep up to 4 MiB for each client that reads slowly, and with a
        // thousand of them run out of memory for all sockets.
        _ = CLinux_set_option(self.socket.number, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, Self.unsentLimit)
        _ = worker.watch(self, descriptor: self.socket.number, events: CLinux_EPOLLIN)
    }

    deinit {
        // The system would go on to report on a socket that another process has as well.
        close()
    }

    private static func reserve() -> Descriptor {
        Descriptor(adopting: unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC))
    }

    /// Stops accepting; connections already accepted go on.
    package func close() {
        guard socket.isOpen else { return }
        worker.unwatch(descriptor: socket.number)
        socket.close()
    }

    override func handle(_ events: UInt32) {
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
    private var descriptor: Descriptor

    /// Binds `address` with SO_REUSEPORT so that several workers can share it.
    ///
    /// - Parameter exclusive: first make sure that no other process has the address; SO_REUSEPORT alone would
    ///   silently share it with another gateway of the same user.
    /// - Throws: EADDRINUSE, EACCES and the like as `TransportFailure.system`.
    package init(_ address: SocketAddress, exclusive: Bool) throws(TransportFailure) {
        if exclusive && address.port != 0 {
            _ = try Self.bind(address, sharing: false)
        }
        descriptor = try Self.listening(on: address)
    }

    /// Takes over a descriptor that is bound and listening already.
    package init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    /// The same socket by another descriptor, with the same accept queue.
    package func duplicate() throws(TransportFailure) -> ListeningSocket {
        let copy = descriptor.duplicate()
        guard copy.isOpen else { throw .system(errno) }
        return ListeningSocket(copy)
    }

    /// The descriptor, to be handed to another process; the socket keeps it.
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
