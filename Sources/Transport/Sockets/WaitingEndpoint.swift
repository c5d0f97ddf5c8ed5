import Synchronization

/// An object on which one task of a worker waits, for readiness, for a signal from other threads, and for a deadline.
///
/// `wait` is the only point where a task of a connection suspends, whether for this endpoint alone or also for that of
/// a connection to an upstream server. `Endpoint` has a socket; a stream of HTTP/2 has a `StreamEndpoint`, whose
/// readiness is set by the owner of the connection. Only its worker's thread uses it, except for `signal()`. Thousands
/// of them may be idle, so the fields are ordered without padding.
@safe
package class WaitingEndpoint: EventSource, @unchecked Sendable {
    final var isReadable = false
    final var isWritable: Bool
    /// The peer has finished sending; a short read then no longer means that the socket is empty.
    package final internal(set) var peerFinished = false
    /// The peer has closed or reset both directions.
    package final internal(set) var isHungUp = false
    package final private(set) var isAborted = false
    final var interest: Interest = []
    private final var isSignalled = false
    private final let signalInFlight = Atomic(false)

    package final let worker: Worker
    /// The local address, to which the client connected, and the client's address: of the socket, or as sent by a proxy
    /// in front.
    package final internal(set) var localAddress: SocketAddress
    package final internal(set) var remoteAddress: SocketAddress

    private final var waiter: UnsafeContinuation<Wake, Never>?
    /// The endpoint whose task also waits for this one.
    private final unowned(unsafe) var companion: WaitingEndpoint?
    /// Notified of every event while no task uses the connection.
    final unowned(unsafe) var keeper: (any EndpointKeeper)?
    /// Used by the worker's timer wheel.
    final var timer = TimerWheel.Entry()

    init(_ worker: Worker, local: SocketAddress, remote: SocketAddress, isWritable: Bool) {
        self.isWritable = isWritable
        self.worker = worker
        localAddress = local
        remoteAddress = remote
        unsafe companion = nil
        unsafe keeper = nil
    }

    // MARK: Waiting

    /// Suspends until one of `interest` holds, the deadline passes, or the gateway aborts its connections.
    @inline(__always)
    package final func wait(for interest: Interest, until deadline: Deadline) async -> Wake {
        if let wake = satisfied(interest) { return wake }
        worker.setDeadline(of: self, deadline)
        // Unlike withUnsafeContinuation this does not look up the executor twice when it resumes.
        return await unsafe _unsafeInheritExecutor_withUnsafeContinuation { continuation in
            assert(unsafe waiter == nil, "one task waits at a place")
            self.interest = interest
            unsafe waiter = continuation
        }
    }

    /// Like `wait(for:until:)`, also for events of another endpoint on the same worker; the readiness of each shows
    /// which of them ended the wait.
    @inline(__always)
    package final func wait(
        for interest: Interest, or otherInterest: Interest, on other: WaitingEndpoint, until deadline: Deadline
    ) async -> Wake {
        if let wake = satisfied(interest) ?? other.satisfied(otherInterest) { return wake }
        assert(unsafe other.waiter == nil && other.companion == nil, "one task waits at a place")
        other.interest = otherInterest
        unsafe other.companion = self
        let wake = await wait(for: interest, until: deadline)
        unsafe other.companion = nil
        other.interest = []
        return wake
    }

    /// Shortens the current wait so that it ends after this delay at the latest; without effect on threads other than
    /// the worker's. A keeper, which does not wait, is notified.
    package final func shortenWait(to delay: Delay) {
        guard worker.isCurrent else { return }
        if let keeper = unsafe keeper { return keeper.endpointWokeUp() }
        worker.shortenDeadline(of: self, to: worker.now.advanced(by: delay))
    }

    @inline(__always)
    private final func satisfied(_ interest: Interest) -> Wake? {
        if isAborted { return .aborted }
        if interest.contains(.signal) && isSignalled {
            isSignalled = false
            return .signalled
        }
        if interest.contains(.readable) && isReadable || interest.contains(.writable) && isWritable { return .ready }
        if interest.contains(.hangup) && isHungUp || interest.contains(.finished) && peerFinished { return .hangup }
        return nil
    }

    @inline(__always)
    private final func resume(_ wake: Wake) {
        guard let continuation = unsafe waiter else {
            if let companion = unsafe companion { companion.resume(wake) }
            return
        }
        unsafe waiter = nil
        unsafe continuation.resume(returning: wake)
    }

    @inline(__always)
    final func resumeIfSatisfied() {
        guard unsafe waiter != nil || companion != nil else {
            unsafe keeper?.endpointWokeUp()
            return
        }
        if let wake = satisfied(interest) { resume(wake) }
    }

    // MARK: Events from the worker

    final func setKeeper(_ keeper: (any EndpointKeeper)?) { unsafe self.keeper = keeper }

    final func deadlinePassed() {
        // A deadline set while the connection was kept has no meaning for the task that uses it now.
        if unsafe companion == nil { resume(.deadline) }
        unsafe keeper?.endpointWokeUp()
    }

    final func drainBegan() {
        if interest.contains(.drain) { resume(.draining) }
        unsafe keeper?.endpointWokeUp()
    }

    final func abort() {
        isAborted = true
        resume(.aborted)
        unsafe keeper?.endpointWokeUp()
    }

    // MARK: Signals

    /// Ends the current or next wait for `.signal`; callable from any thread, and without effect while an earlier
    /// signal is being delivered.
    ///
    /// A signal that arrives after the end is ignored.
    package final func signal() {
        guard !signalInFlight.exchange(true, ordering: .acquiringAndReleasing) else { return }
        worker.deliverSignal(to: self)
    }

    /// Like `signal()`, on the worker's own thread: the wait ends in this turn.
    package final func signalAtOnce() {
        isSignalled = true
        resumeIfSatisfied()
    }

    final func signalArrived() {
        signalInFlight.store(false, ordering: .releasing)
        isSignalled = true
        resumeIfSatisfied()
    }

    /// Discards a signal for which no task has waited.
    final func forgetSignal() { isSignalled = false }

    // MARK: The peer

    /// The numbers of bytes that the peer has acknowledged, and that were received from it; nil if they are unknown.
    package var progress: (acknowledged: UInt64, received: UInt64)? { nil }

    /// Whether the peer has closed neither direction; callable from any thread that prevents the task from ending.
    package var isPeerConnected: Bool { false }

    /// Shuts down both directions, which also ends every wait for either; callable from the same threads as
    /// `isPeerConnected`.
    package func disconnect() {}

    /// Sends bytes that the system has held back for a further send that does not follow.
    package func push() {}
}
