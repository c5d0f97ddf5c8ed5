import CLinux
import Glibc

/// Our end of one connection: the descriptor, what epoll said about it, and the place where its task waits.
///
/// epoll is edge-triggered: a direction counts as ready from the event that said so until a call comes back short or
/// empty, so no system call is made merely to see EAGAIN.
@safe
package final class Endpoint: WaitingEndpoint, @unchecked Sendable {
    private var socket: Descriptor
    /// The peer has been told that nothing follows.
    package private(set) var hasFinishedSending = false
    private var isOpen = false
    var lateSends = LateSends.none

    unowned(unsafe) var preceding: Endpoint?
    unowned(unsafe) var following: Endpoint?

    /// Takes over `descriptor`, which must be non-blocking, and registers it with the worker; on the worker's thread.
    ///
    /// - Returns: nil, with the descriptor closed and errno set, when epoll cannot take another one.
    package static func open(
        _ descriptor: consuming Descriptor, on worker: Worker, local: SocketAddress, remote: SocketAddress
    ) -> Endpoint? {
        open(descriptor, on: worker, local: local, remote: remote, isConnected: true)
    }

    /// As `open(_:on:local:remote:)`; a connection that is still being made is not writable before it is.
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

    /// The socket's number, for a system call in the same expression; -1 once it is closed.
    @inline(__always)
    var descriptor: Int32 { socket.number }

    // MARK: Moving bytes

    /// Whether `receive` would ask the system at all.
    @inline(__always)
    package var mayReceive: Bool { isReadable }

    /// One `recv`, or none when the socket is known to be empty.
    @inline(__always)
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        unsafe receive(into: buffer, peeking: false)
    }

    /// As `receive`, but the bytes stay in the socket and count as seen: the next wait is for further ones.
    package func peek(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        unsafe receive(into: buffer, peeking: true)
    }

    @inline(__always)
    private func receive(into buffer: UnsafeMutableRawBufferPointer, peeking: Bool) -> IOResult {
        guard isReadable else { return .wouldBlock(.readable) }
        while true {
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, peeking ? Int32(MSG_PEEK) : 0)
            if count > 0 {
                if (peeking || count < buffer.count) && !peerFinished { isReadable = false }
                return .bytes(count)
            }
            // The system tells one call of a reset, and that was a late send.
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

    /// Counts what `peek` has shown as not seen: the next `receive` has it.
    package func endPeeking() {
        isReadable = true
    }

    /// Drops the first `count` bytes received, all of which `peek` has shown.
    package func dropPeeked(_ count: Int, using buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        isReadable = true
        return unsafe receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    }

    /// Takes the addresses of the client's connection from a trusted proxy that made this one.
    package func stand(for remote: SocketAddress, at local: SocketAddress) {
        remoteAddress = remote
        localAddress = local
    }

    /// One `send`, or none when the socket is known to be full.
    ///
    /// - Parameter isMoreComing: lets the system keep what does not fill a packet for the next call, which follows at
    ///   once: else each would end in a small packet.
    @inline(__always)
    package func send(_ bytes: UnsafeRawBufferPointer, isMoreComing: Bool = false) -> IOResult {
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

    /// One `sendfile` from `offset` of a file, or none when the socket is known to be full; `.end` behind the file's end.
    ///
    /// - Returns: nil when the file is of a kind that cannot be sent this way.
    package func sendFile(_ file: OpenFile, from offset: UInt64, count: Int) -> IOResult? {
        if lateSends == .batched { worker.sendBatch() }
        guard isWritable else { return .wouldBlock(.writable) }
        while true {
            let sent = file.use { CLinux_sendfile_at(descriptor, $0, offset, UInt(count)) }
            if sent > 0 {
                // A short count may also be the end of the file, which the next call tells.
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

    /// Has bytes leave that the system keeps because more was said to come, and does not.
    package override func push() {
        var on: Int32 = 1
        _ = unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout.size(ofValue: on)))
    }

    // MARK: What the worker reports

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

    /// Leaves the connection to `keeper`, which is told of every event, of a drain, and of the deadline.
    package func keep(by keeper: any EndpointKeeper, until deadline: Deadline) {
        unsafe self.keeper = keeper
        worker.setDeadline(of: self, deadline)
    }

    /// Ends the keeping; a task uses the connection from now on, or closes it.
    package func takeBack() {
        unsafe keeper = nil
    }

    /// Whether nothing at all has come since the last byte was received, as it should be between a response and the
    /// next request.
    package var isQuiet: Bool {
        !isReadable && !peerFinished && !isHungUp && !isAborted && lateSends == .none
    }

    /// Asks the system for bytes or an end that epoll has not reported yet; true when there is neither.
    package func confirmQuiet() -> Bool {
        guard isQuiet else { return false }
        var byte: UInt8 = 0
        return unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK)) < 0 && errno == EAGAIN
    }

    // MARK: The peer

    /// What the system tells of the connection (tcp(7), TCP_INFO).
    package override var progress: (acknowledged: UInt64, received: UInt64)? {
        var acknowledged: UInt64 = 0
        var received: UInt64 = 0
        guard unsafe CLinux_tcp_progress(descriptor, &acknowledged, &received) == 0 else { return nil }
        return (acknowledged, received)
    }

    /// Whether the peer has closed neither direction, as the system knows now; from any thread that keeps the
    /// connection's task from closing it.
    package override var isPeerConnected: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(CLinux_EPOLLRDHUP), revents: 0)
        return unsafe poll(&entry, 1, 0) == 0
    }

    /// Ends both directions, so that every wait for either ends too; from any thread, as `isPeerConnected`.
    package override func disconnect() {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    // MARK: Ending

    /// Ends our direction; the peer sees FIN once it has read everything.
    package func finishSending() {
        if lateSends == .batched { worker.sendBatch() }
        hasFinishedSending = true
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the descriptor and leaves the worker; the last thing a connection's task does.
    package func close() {
        if hasRest { _ = worker.takeRest(of: self) }
        worker.removeDeadline(of: self)
        // Closing is not enough: a child that an extension has forked may hold the socket still.
        worker.unwatch(descriptor: descriptor)
        socket.close()
        isOpen = false
        worker.closed(self)
    }

    /// Closes with RST instead of FIN, discarding what was not sent.
    package func reset() {
        if lateSends == .batched { worker.sendBatch() }
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }
}

/// Has the connections that no task uses; called while the events of a turn are handled, so it closes none of them
/// before the turn's end.
package protocol EndpointKeeper: AnyObject {
    func endpointStirred()
}
