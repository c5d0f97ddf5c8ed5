import CISAPI
import CLinux
import Memory
import Synchronization
import Transport

/// One request at an extension: the request's data, the response, and which side has released it.
///
/// Worker and extension communicate only through sessions. The worker that owns the connection begins a session, takes
/// events when it is notified, supplies body bytes, and releases or abandons the session. The extension calls back from
/// any thread. All of this happens under one lock, and no wait holds the lock.
///
/// Sessions are taken from a store, return to it when both sides have released them, and are never deallocated: a call
/// that comes too late always finds a session that refuses it.
@safe
package final class ExtensionSession: @unchecked Sendable {
    let state = Guarded(SessionState())
    /// Signalled when a blocked call may continue.
    let progress = WaitPoint()
    /// The next session in the store or in a pool's queue; owned by the list that contains this session.
    var next: Unretained<ExtensionSession>?

    private init() {
        next = nil
    }

    // MARK: The worker's side

    /// An idle session.
    package static func take() -> ExtensionSession {
        if let session = store.withLock({ store in store.pop() }) {
            return session.value
        }
        let session = ExtensionSession()
        _ = unsafe Unmanaged.passRetained(session)
        return session
    }

    /// Copies the request and prepares the session for its pool.
    package func begin(
        _ request: borrowing ExtensionRequest, handle: ExtensionHandle, notifier: any SessionNotifier,
        times: SessionTimes = SessionTimes()
    ) {
        handle.module.requestBegan()
        state.withLock { state in
            state.life.begin()
            state.request.fill(request)
            let hasBody = if case .none = request.head.framing { false } else { true }
            state.body.begin(hasBody: hasBody)
            state.handle = handle
            unsafe state.module = Unretained(unchecked: handle.module)
            unsafe state.pool = Unretained(unchecked: handle.submissions.pool)
            unsafe state.notifier = notifier
            state.times = times
        }
    }

    /// Appends to the part of the body that the extension receives before it reads; only between `begin` and the
    /// submission to the pool.
    ///
    /// - Returns: how many of the bytes were taken; fewer than given once the limit of 48 KiB is reached. The rest has
    ///   to be supplied with `supplyBody`.
    package func appendReadAhead(_ bytes: ByteView) -> Int {
        state.withLock { state in state.body.appendReadAhead(bytes) }
    }

    /// Bytes that still fit into the read-ahead.
    package var readAheadRoom: Int {
        state.withLock { state in BodyIntake.readAheadLimit - state.body.readAheadCount }
    }

    /// Body bytes from the connection, in answer to `SessionEvents.isBodyWanted`.
    ///
    /// - Parameter worker: the worker whose thread calls, which may run a completion itself later; nil for one of the
    ///   pool's threads.
    func supplyBody(_ bytes: ByteView, on worker: Worker? = nil) {
        changeBody(worker) { body in body.supply(bytes) }
    }

    /// The request body is complete.
    func bodyEnded(on worker: Worker? = nil) {
        changeBody(worker) { body in body.end() }
    }

    /// No more of the body can be read: it is malformed or too large, or the client is too slow.
    func bodyFailed(on worker: Worker? = nil) {
        changeBody(worker) { body in body.fail() }
    }

    /// Sets the length of a body that has arrived completely without a declared length; only between `begin` and the
    /// submission to the pool.
    package func setKnownLength(_ count: UInt64) {
        state.withLock { state in state.request.knownLength = count }
    }

    /// From now on the worker is notified of any output, not only of large output.
    package func setPrompt() {
        state.withLock { state in state.isPrompt = true }
    }

    /// The response will not be complete at the end of this turn; called on the worker's thread.
    func expectDelay() {
        state.withLock { state in state.expectDelay() }
    }

    /// Takes all events; also makes space for waiting writers.
    package func takeEvents() -> SessionEvents {
        let (events, wakes) = state.withLock { state in
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            return (state.takeEvents(), wakes)
        }
        if wakes { progress.wake(Int.max) }
        return events
    }

    /// All events of a response that is complete; nil, and without effect, for any other.
    func takeLastEvents() -> SessionEvents? {
        state.withLock { state in
            state.outcome == nil || state.hasCommands || state.life.hasBlockedCalls ? nil : state.takeEvents()
        }
    }

    /// The extension's text for the log: HSE_APPEND_LOG_PARAMETER and lpszLogData; nil for none.
    ///
    /// Read after the outcome was taken and before the release.
    package var logText: String? {
        state.withLock { state in
            guard !state.log.isEmpty else { return nil }
            return String(decoding: state.log.bytes, as: UTF8.self)
        }
    }

    /// The times of a request that is about to be abandoned.
    var timesUntilNow: SessionTimes {
        var times = state.withLock { $0.times }
        times.end(at: CLinux_monotonic_ns())
        return times
    }

    /// The outcome was taken and everything sent: the worker releases the session.
    package func release() {
        if detach() { giveBack() }
    }

    /// As `release`; true when the session is idle and the caller may keep it.
    func detach() -> Bool {
        letGo { life in life.detach() }
    }

    /// The pool refused the session.
    package func withdraw() {
        let isFree = letGo { life in
            life.withdraw()
            life.detach()
        }
        if isFree { giveBack() }
    }

    /// The client has disconnected or `request_timeout` has expired: further calls of the extension fail with
    /// WSAECONNRESET.
    package func abandon() {
        if detach() { giveBack() }
    }

    private func letGo(_ change: (inout SessionLife) -> Void) -> Bool {
        let (wakes, isFree, pool) = state.withLock { state in
            change(&state.life)
            unsafe state.notifier = nil
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            let pool = state.operation.isBusy ? state.endOperation(bytes: 0, error: .operationAborted) : nil
            return (wakes, state.recycleIfPossible(), pool)
        }
        if wakes { progress.wake(Int.max) }
        complete(in: pool)
        return isFree
    }

    private func changeBody(_ worker: Worker?, _ change: (inout BodyIntake) -> Void) {
        let (wakes, pool) = state.withLock { state in
            change(&state.body)
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            return (wakes, state.answeredRead())
        }
        if wakes { progress.wake(Int.max) }
        complete(in: pool, on: worker)
    }

    // MARK: The store

    private static let store = Guarded(SessionList())

    /// Called by the side that released last, without holding a lock.
    func giveBack() {
        Self.store.withLock { store in unsafe store.push(Unretained(unchecked: self)) }
    }
}

/// Idle sessions, the last used first: its memory is most likely in the cache.
@safe
struct SessionList: ~Copyable {
    private var first = Unretained<ExtensionSession>?.none
    private(set) var count = 0

    mutating func push(_ session: Unretained<ExtensionSession>) {
        session.with { $0.next = first }
        first = session
        count += 1
    }

    mutating func pop() -> Unretained<ExtensionSession>? {
        guard let session = first else { return nil }
        session.with { session in
            first = session.next
            session.next = nil
        }
        count -= 1
        return session
    }
}
