/// The states of a session's two sides: the extension, and the worker that owns the connection.
///
/// A session may serve the next request only when both have released it, and no callback is still waiting inside it.
struct SessionLife: BitwiseCopyable {
    private enum Extension: BitwiseCopyable {
        case idle
        /// Waiting for a pool thread.
        case queued
        /// Inside HttpExtensionProc.
        case running
        /// HttpExtensionProc returned HSE_STATUS_PENDING.
        case pending
        /// HSE_REQ_DONE_WITH_SESSION was called before HttpExtensionProc returned.
        case doneWhileRunning
        case ended
    }

    private var extensionState = Extension.idle
    private(set) var isAttached = false
    private var blockedCalls = 0
    /// Completions that are queued for a pool thread or run on one.
    private var completions = 0
    /// Calls by processes of isolated extensions that are being performed.
    private var isolatedCalls = 0

    /// Whether the extension may call back.
    var admitsCalls: Bool {
        switch extensionState {
        case .running, .pending: true
        case .idle, .queued, .doneWhileRunning, .ended: false
        }
    }

    /// Whether the next pool thread runs the request, and not a completion.
    var isQueued: Bool { if case .queued = extensionState { true } else { false } }
    var isPending: Bool { if case .pending = extensionState { true } else { false } }
    var isIdle: Bool { if case .idle = extensionState { true } else { false } }
    var hasBlockedCalls: Bool { blockedCalls > 0 }

    var isRecyclable: Bool {
        guard case .ended = extensionState else { return false }
        return !isAttached && blockedCalls == 0 && completions == 0 && isolatedCalls == 0
    }

    mutating func begin() {
        precondition(isIdle, "a session serves one request at a time")
        extensionState = .queued
        isAttached = true
    }

    /// A pool thread has taken the session; false when the response is no longer wanted.
    mutating func start() -> Bool {
        guard case .queued = extensionState else { preconditionFailure("a session is started once") }
        extensionState = isAttached ? .running : .ended
        return isAttached
    }

    /// Its code was not entered, and it has to be started again; false if it has ended all the same.
    mutating func requeue() -> Bool {
        guard case .running = extensionState else { return false }
        extensionState = .queued
        return true
    }

    /// The pool did not take the session.
    mutating func withdraw() {
        guard case .queued = extensionState else { preconditionFailure("only what waits can be withdrawn") }
        extensionState = .ended
    }

    /// HttpExtensionProc returned; true when that completes the response.
    mutating func returned(pending: Bool) -> Bool {
        switch extensionState {
        case .running where pending:
            extensionState = .pending
            return false
        case .running:
            extensionState = .ended
            return true
        case .doneWhileRunning:
            extensionState = .ended
            return false
        case .idle, .queued, .pending, .ended:
            preconditionFailure("HttpExtensionProc returns once")
        }
    }

    /// HSE_REQ_DONE_WITH_SESSION; true when it completes the response, false when it comes too late.
    mutating func done() -> Bool {
        switch extensionState {
        case .running: extensionState = .doneWhileRunning
        case .pending: extensionState = .ended
        case .idle, .queued, .doneWhileRunning, .ended: return false
        }
        return true
    }

    /// The worker does not use the session any more.
    mutating func detach() {
        isAttached = false
    }

    mutating func completionQueued() { completions += 1 }
    mutating func completionEnded() { completions -= 1 }
    mutating func isolatedCallBegan() { isolatedCalls += 1 }
    mutating func isolatedCallEnded() { isolatedCalls -= 1 }
    mutating func block() { blockedCalls += 1 }
    mutating func unblock() { blockedCalls -= 1 }

    mutating func recycle() {
        precondition(isRecyclable)
        self = SessionLife()
    }
}
