import CISAPI
import Synchronization
import Transport

/// One request at an extension: what the extension may ask, what it has answered, and who has let go of it.
///
/// Two parties meet here and nowhere else. The worker that owns the connection begins a session, takes events when it
/// is notified, supplies body bytes, and releases or abandons the session. The extension calls back from any thread.
/// All of it happens under one lock, and no wait holds the lock.
///
/// Sessions are taken from a store, return to it on their own once both parties are done, and are never deallocated:
/// a call that comes too late always finds a session to be refused by.
@safe
package final class ExtensionSession: @unchecked Sendable {
    let state = Guarded(SessionState())
    /// Moves when a blocked call may go on.
    let progress = WaitPoint()
    /// The next in the store or in a pool's queue; owned by whoever holds this session there.
    var next: Unmanaged<ExtensionSession>?

    private init() {
        unsafe next = nil
    }

    // MARK: The worker's side

    /// An idle session.
    package static func take() -> ExtensionSession {
        if let session = unsafe store.withLock({ store in unsafe store.pop() }) {
            return unsafe session.takeUnretainedValue()
        }
        let session = ExtensionSession()
        _ = unsafe Unmanaged.passRetained(session)
        return session
    }

    /// Copies the request and makes the session ready for its pool.
    package func begin(
        _ request: borrowing ExtensionRequest, handle: ExtensionHandle, notifier: any SessionNotifier
    ) {
        handle.module.requestBegan()
        state.withLock { state in
            state.life.begin()
            state.request.fill(request)
            let hasBody = if case .none = request.head.framing { false } else { true }
            state.body.begin(hasBody: hasBody)
            state.handle = handle
            unsafe state.module = .passUnretained(handle.module)
            unsafe state.pool = .passUnretained(handle.submissions.pool)
            unsafe state.notifier = notifier
        }
    }

    /// Adds to what the extension sees of the body before it reads; only between `begin` and the pool.
    ///
    /// - Returns: how many of the bytes were taken; fewer than given once the limit of 48 KiB is reached. The rest
    ///   is to be supplied with `supplyBody`.
    package func appendReadAhead(_ bytes: UnsafeRawBufferPointer) -> Int {
        state.withLock { state in unsafe state.body.appendReadAhead(bytes) }
    }

    /// Bytes that read-ahead still has room for.
    package var readAheadRoom: Int {
        state.withLock { state in BodyIntake.readAheadLimit - state.body.readAheadCount }
    }

    /// Body bytes from the connection, in answer to `SessionEvents.isBodyWanted`.
    ///
    /// - Parameter worker: whose thread calls, and may come to run a completion itself; nil for one of the pool's.
    func supplyBody(_ bytes: UnsafeRawBufferPointer, on worker: Worker? = nil) {
        changeBody(worker) { body in unsafe body.supply(bytes) }
    }

    /// The request body is complete.
    func bodyEnded(on worker: Worker? = nil) {
        changeBody(worker) { body in body.end() }
    }

    /// No more of the body can be read: it is malformed, too large, or the client too slow.
    func bodyFailed(on worker: Worker? = nil) {
        changeBody(worker) { body in body.fail() }
    }

    /// The whole body is here, though only its end told its length; only between `begin` and the pool.
    package func setKnownLength(_ count: UInt64) {
        state.withLock { state in state.request.knownLength = count }
    }

    /// From now on the worker is notified of any output, not only of much.
    package func setPrompt() {
        state.withLock { state in state.isPrompt = true }
    }

    /// The response will not be there at the end of this turn; called on the worker's thread.
    func expectDelay() {
        state.withLock { state in state.expectDelay() }
    }

    /// Takes everything there is; also makes room for writers that wait.
    package func takeEvents() -> SessionEvents {
        let (events, wakes) = state.withLock { state in
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            return (state.takeEvents(), wakes)
        }
        if wakes { progress.wake(Int.max) }
        return events
    }

    /// What the extension added to the log: HSE_APPEND_LOG_PARAMETER and lpszLogData; nil for nothing.
    ///
    /// Asked after the outcome was taken and before the release.
    package var logText: String? {
        state.withLock { state in
            guard !state.log.isEmpty else { return nil }
            return unsafe String(decoding: state.log.bytes, as: UTF8.self)
        }
    }

    /// The outcome was taken and everything sent: the worker is done with the session.
    package func release() {
        if detach() { giveBack() }
    }

    /// As `release`; true when the session is idle and the caller's to keep.
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

    /// The client is gone or the request's time is over: the extension's further calls fail with WSAECONNRESET.
    package func abandon() {
        if detach() { giveBack() }
    }

    private func letGo(_ change: (inout SessionLife) -> Void) -> Bool {
        let (wakes, isFree, pool) = unsafe state.withLock { state in
            change(&state.life)
            unsafe state.notifier = nil
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            let pool = unsafe state.operation.isBusy ? state.endOperation(bytes: 0, error: .operationAborted) : nil
            return unsafe (wakes, state.recycleIfPossible(), pool)
        }
        if wakes { progress.wake(Int.max) }
        unsafe complete(in: pool)
        return isFree
    }

    private func changeBody(_ worker: Worker?, _ change: (inout BodyIntake) -> Void) {
        let (wakes, pool) = unsafe state.withLock { state in
            change(&state.body)
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            return unsafe (wakes, state.answeredRead())
        }
        if wakes { progress.wake(Int.max) }
        unsafe complete(in: pool, on: worker)
    }

    // MARK: The store

    private static let store = Guarded(SessionList())

    /// Called by the party that let go last, holding no lock.
    func giveBack() {
        Self.store.withLock { store in unsafe store.push(Unmanaged.passUnretained(self)) }
    }
}

/// Idle sessions, the last used first: its memory is the warmest.
@safe
struct SessionList: ~Copyable {
    private var first = unsafe Unmanaged<ExtensionSession>?.none
    private(set) var count = 0

    mutating func push(_ session: Unmanaged<ExtensionSession>) {
        unsafe session._withUnsafeGuaranteedRef { unsafe $0.next = first }
        unsafe first = session
        count += 1
    }

    mutating func pop() -> Unmanaged<ExtensionSession>? {
        guard let session = unsafe first else { return nil }
        unsafe session._withUnsafeGuaranteedRef { session in
            unsafe first = session.next
            unsafe session.next = nil
        }
        count -= 1
        return unsafe session
    }
}
