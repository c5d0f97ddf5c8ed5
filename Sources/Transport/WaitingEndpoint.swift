import Synchronization

/// A place where one task of a worker waits: what it is ready for, a signal from other threads, and a deadline.
///
/// `wait` is the only point where a task of a connection suspends, be it for this place alone or also for that of an
/// upstream server's connection. `Endpoint` is the one with a socket; a stream of HTTP/2 has a `StreamEndpoint`, and
/// whoever has the connection says what it is ready for. All of it is touched by its worker's thread only, except
/// `signal()`. Thousands of them are idle: the fields lie in an order without gaps.
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
    /// Where the client connected to, and from: by the socket, or by what a proxy in front said.
    package final internal(set) var localAddress: SocketAddress
    package final internal(set) var remoteAddress: SocketAddress

    private final var waiter: UnsafeContinuation<Wake, Never>?
    /// The place at which a task waits for this one as well.
    private final unowned(unsafe) var companion: WaitingEndpoint?
    /// Told of every event while no task has the connection.
    final unowned(unsafe) var keeper: (any EndpointKeeper)?
    /// Belongs to the worker's wheel.
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
        // Unlike withUnsafeContinuation it does not look for the executor twice on the way back.
        return await unsafe _unsafeInheritExecutor_withUnsafeContinuation { continuation in
            assert(unsafe waiter == nil, "one task waits at a place")
            self.interest = interest
            unsafe waiter = continuation
        }
    }

    /// As `wait(for:until:)`, also for what another place on the same worker may report; which of them it was shows
    /// in what each is ready for.
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

    /// Has the wait under way end after this delay, if it would last longer; without effect on other threads than the
    /// worker's.
    package final func shortenWait(to delay: Delay) {
        if worker.isCurrent { worker.shortenDeadline(of: self, to: worker.now.advanced(by: delay)) }
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
            unsafe keeper?.endpointStirred()
            return
        }
        if let wake = satisfied(interest) { resume(wake) }
    }

    // MARK: What the worker reports

    final func deadlinePassed() {
        // A deadline from the time the connection was kept means nothing to the task that uses it now.
        if unsafe companion == nil { resume(.deadline) }
        unsafe keeper?.endpointStirred()
    }

    final func drainBegan() {
        if interest.contains(.drain) { resume(.draining) }
        unsafe keeper?.endpointStirred()
    }

    final func abort() {
        isAborted = true
        resume(.aborted)
        unsafe keeper?.endpointStirred()
    }

    // MARK: Signals

    /// Ends the current or next wait for `.signal`; from any thread, and without effect while an earlier one is on its way.
    ///
    /// A signal that arrives after the end means nothing.
    package final func signal() {
        guard !signalInFlight.exchange(true, ordering: .acquiringAndReleasing) else { return }
        worker.deliverSignal(to: self)
    }

    /// As `signal()`, on the worker's own thread: the wait ends in this turn.
    package final func signalAtOnce() {
        isSignalled = true
        resumeIfSatisfied()
    }

    final func signalArrived() {
        signalInFlight.store(false, ordering: .releasing)
        isSignalled = true
        resumeIfSatisfied()
    }

    /// Counts a signal that nobody waited for as not given.
    final func forgetSignal() { isSignalled = false }

    // MARK: The peer

    /// The bytes that the peer has acknowledged, and those that have come from it; nil where nobody tells.
    package var progress: (acknowledged: UInt64, received: UInt64)? { nil }

    /// Whether the peer has closed neither direction; from any thread that keeps the task from ending.
    package var isPeerConnected: Bool { false }

    /// Ends both directions, so that every wait for either ends too; from any thread, as `isPeerConnected`.
    package func disconnect() {}

    /// Has bytes leave that the system keeps because more was said to come, and does not.
    package func push() {}
}
