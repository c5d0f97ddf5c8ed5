import CLinux
import Glibc
import Memory

/// The gateway's end of one connection: the descriptor, its readiness as reported by epoll, and the wait of its task.
///
/// epoll is edge-triggered: a direction counts as ready from its event until a call transfers less than requested or
/// nothing, so no system call is made merely to get EAGAIN.
@safe
package final class Endpoint: WaitingEndpoint, @unchecked Sendable {
    private var socket: Descriptor
    /// The sending direction has been shut down.
    package private(set) var hasFinishedSending = false
    private var isOpen = false
    var lateSends = LateSends.none

    unowned(unsafe) var preceding: Endpoint?
    unowned(unsafe) var following: Endpoint?

    /// Takes ownership of `descriptor`, which must be non-blocking, and registers it with the worker; on the worker's
    /// thread.
    ///
    /// - Returns: nil, with the descriptor closed and errno set, if epoll cannot register it.
    package static func open(
        _ descriptor: consuming Descriptor, on worker: Worker, local: SocketAddress, remote: SocketAddress
    ) -> Endpoint? {
        open(descriptor, on: worker, local: local, remote: remote, isConnected: true)
    }

    /// Like `open(_:on:local:remote:)`; a connection that is still being established is not writable yet.
    static func open(
        _ descriptor: consuming Descriptor, on worker: Worker, local: SocketAddress, remote: SocketAddress,
        isConnected: Bool
    ) -> Endpoint? {
        let endpoint = Endpoint(descriptor, worker, local, remote, isWritable: isConnected)
        let events = CLinux_EPOLLIN | CLinux_EPOLLOUT | CLinux_EPOLLRDHUP | CLinux_EPOLLET
        guard worker.watch(endpoint, descriptor: endpoint.descriptor, events: events) else { return nil }
        worker.opened(endpoint)
        endpoint.isOpen = true
        return endpoint
    }

    private init(
        _ descriptor: consuming Descriptor, _ worker: Worker, _ local: SocketAddress, _ remote: SocketAddress,
        isWritable: Bool
    ) {
        socket = descriptor
        unsafe preceding = nil
        unsafe following = nil
        super.init(worker, local: local, remote: remote, isWritable: isWritable)
    }

    deinit {
        precondition(!isOpen, "an endpoint is closed by its task")
    }

    /// The number of the socket, for a system call in the same expression; -1 once it is closed.
    @inline(__always)
    var descriptor: Int32 { socket.number }

    // MARK: Transferring bytes

    /// Whether `receive` would make a system call.
    @inline(__always)
    package var mayReceive: Bool { isReadable }

    /// One `recv`, or none when the socket is known to be empty.
    @inline(__always)
    package func receive(into buffer: MutableByteView) -> IOResult {
        receive(into: buffer, peeking: false)
    }

    /// Like `receive`, but the bytes stay in the socket and count as seen: the next wait is for further bytes.
    package func peek(into buffer: MutableByteView) -> IOResult {
        receive(into: buffer, peeking: true)
    }

    @inline(__always)
    private func receive(into buffer: MutableByteView, peeking: Bool) -> IOResult {
        guard isReadable else { return .wouldBlock(.readable) }
        while true {
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, peeking ? Int32(MSG_PEEK) : 0)
            if count > 0 {
                if (peeking || count < buffer.count) && !peerFinished { isReadable = false }
                return .bytes(count)
            }
            // The system reports a reset to one call only, and that was a deferred send.
            if count == 0 { return lateSends == .failed ? .failed(.reset) : .end }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                isReadable = false
                return .wouldBlock(.readable)
            default: return .failed(TransportFailure(errno: errno))
            }
        }
    }

    /// Marks the bytes that `peek` has returned as unread: the next `receive` returns them.
    package func endPeeking() {
        isReadable = true
    }

    /// Discards the first `count` received bytes, all of which `peek` has returned.
    package func dropPeeked(_ count: Int, using buffer: MutableByteView) -> IOResult {
        isReadable = true
        return receive(into: buffer[..<count])
    }

    /// Sets the addresses of the client's connection, as received from a trusted proxy that made this connection.
    package func stand(for remote: SocketAddress, at local: SocketAddress) {
        remoteAddress = remote
        localAddress = local
    }

    /// Makes one `send`, or none when the socket is known to be full.
    ///
    /// - Parameter isMoreComing: allows the system to hold back a partly filled packet for the next call, which follows
    ///   at once; without it, each call would end with a small packet.
    @inline(__always)
    package func send(_ bytes: ByteView, isMoreComing: Bool = false) -> IOResult {
        if lateSends == .batched { worker.sendBatch() }
        guard isWritable else { return .wouldBlock(.writable) }
        let flags = isMoreComing ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL
        while true {
            let count = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(flags))
            if count >= 0 {
                if count < bytes.count { isWritable = false }
                return .bytes(count)
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                isWritable = false
                return .wouldBlock(.writable)
            default: return .failed(TransportFailure(errno: errno))
            }
        }
    }

    /// Makes one `sendfile` from `offset` of a file, or none when the socket is known to be full; `.end` beyond the end
    /// of the file.
    ///
    /// - Returns: nil if this kind of file cannot be sent this way.
    package func sendFile(_ file: OpenFile, from offset: UInt64, count: Int) -> IOResult? {
        if lateSends == .batched { worker.sendBatch() }
        guard isWritable else { return .wouldBlock(.writable) }
        while true {
            let sent = file.use { CLinux_sendfile_at(descriptor, $0, offset, UInt(count)) }
            if sent > 0 {
                // A short count may also mean the end of the file, which the next call detects.
                return .bytes(sent)
            }
            if sent == 0 { return .end }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                isWritable = false
                return .wouldBlock(.writable)
            case EINVAL, ENOSYS: return nil
            default: return .failed(TransportFailure(errno: errno))
            }
        }
    }

    /// Sends bytes that the system has held back for a further send that does not follow.
    package override func push() {
        var on: Int32 = 1
        _ = unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout.size(ofValue: on)))
    }

    // MARK: Events from the worker

    override func handle(_ events: UInt32) {
        if events & (CLinux_EPOLLRDHUP | CLinux_EPOLLHUP | CLinux_EPOLLERR) != 0 {
            peerFinished = true
            if events & (CLinux_EPOLLHUP | CLinux_EPOLLERR) != 0 { isHungUp = true }
            isReadable = true
        }
        if events & CLinux_EPOLLIN != 0 { isReadable = true }
        if events & (CLinux_EPOLLOUT | CLinux_EPOLLHUP | CLinux_EPOLLERR) != 0 {
            isWritable = true
            if lateSends == .rest { sendRest() }
        }
        resumeIfSatisfied()
    }

    // MARK: Keeping an idle connection

    /// Passes the connection to `keeper`, which is notified of every event, of a drain, and of the deadline.
    package func keep(by keeper: any EndpointKeeper, until deadline: Deadline) {
        setKeeper(keeper)
        worker.setDeadline(of: self, deadline)
    }

    /// Ends the keeping; from now on a task uses the connection, or closes it.
    package func takeBack() {
        setKeeper(nil)
    }

    /// Whether nothing has arrived since the last byte was received, as is expected between a response and the next
    /// request.
    package var isQuiet: Bool {
        !isReadable && !peerFinished && !isHungUp && !isAborted && lateSends == .none
    }

    /// Checks for bytes or an end of the stream that epoll has not reported yet; true if there is neither.
    package func confirmQuiet() -> Bool {
        guard isQuiet else { return false }
        var byte: UInt8 = 0
        return unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK)) < 0 && errno == EAGAIN
    }

    // MARK: The peer

    /// The byte counters of the connection (tcp(7), TCP_INFO).
    package override var progress: (acknowledged: UInt64, received: UInt64)? {
        var acknowledged: UInt64 = 0
        var received: UInt64 = 0
        guard unsafe CLinux_tcp_progress(descriptor, &acknowledged, &received) == 0 else { return nil }
        return (acknowledged, received)
    }

    /// Whether the peer has closed neither direction, according to the system's current state; callable from any thread
    /// that prevents the connection's task from closing it.
    package override var isPeerConnected: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(CLinux_EPOLLRDHUP), revents: 0)
        return unsafe poll(&entry, 1, 0) == 0
    }

    /// Shuts down both directions, which also ends every wait for either; callable from the same threads as
    /// `isPeerConnected`.
    package override func disconnect() {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    // MARK: Closing

    /// Shuts down the sending direction; the peer sees FIN once it has read everything.
    package func finishSending() {
        if lateSends == .batched { worker.sendBatch() }
        hasFinishedSending = true
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the descriptor and unregisters it from the worker; the last action of a connection's task.
    package func close() {
        if hasRest { _ = worker.takeRest(of: self) }
        worker.removeDeadline(of: self)
        // Closing alone does not unregister it: a child process that an extension has forked may still have the socket
        // open.
        worker.unwatch(descriptor: descriptor)
        socket.close()
        isOpen = false
        worker.closed(self)
    }

    /// Closes with RST instead of FIN, discarding unsent bytes.
    package func reset() {
        if lateSends == .batched { worker.sendBatch() }
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }
}

/// The owner of connections that no task uses. It is called while the events of a turn are handled, so it must not
/// close any of them before the end of the turn.
package protocol EndpointKeeper: AnyObject {
    func endpointWokeUp()
}
