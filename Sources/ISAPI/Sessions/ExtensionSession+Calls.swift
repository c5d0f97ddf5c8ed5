import CISAPI
import CLinux
import Memory

/// A refusal as the extension receives it: the Win32 number that GetLastError then returns.
enum CallFailure: UInt32, Error {
    /// There is no error page for the status.
    case fileNotFound = 2
    /// The handle does not refer to a file.
    case invalidHandle = 6
    /// The file is shorter than the requested range.
    case endOfFile = 38
    /// The request exists only on Windows.
    case notSupported = 50
    /// The extension itself has closed the connection.
    case netnameDeleted = 64
    case invalidParameter = 87
    case insufficientBuffer = 122
    /// There is no data: no certificate, no TLS.
    case noData = 232
    /// The operation was cancelled, or its client has disconnected.
    case operationAborted = 995
    /// There is no operation that could be cancelled.
    case notFound = 1168
    case invalidIndex = 1413
    /// The file ends before the offset (WSAEINVAL).
    case invalidArgument = 10022
    case connectionReset = 10054
}

/// The extension's side of a session. `caller` is the control block of a call, already known to be valid.
extension ExtensionSession {
    /// Runs HttpExtensionProc on the calling thread.
    ///
    /// - Parameter notifies: whether the worker is notified of the extension's calls as they happen; otherwise the
    ///   caller, which is the worker, calls `endDeferral` afterwards.
    func run(notifies: Bool = true) {
        let (work, isFree, isCompletion) = state.withLock { state in
            state.defersNotices = !notifies
            return prepare(&state)
        }
        if isCompletion { return runCompletion() }
        if isFree { giveBack() }
        guard let (module, block) = work else { return }
        finish(module.with { module in unsafe module.call(block.pointer, for: self) })
    }

    private func finish(_ ending: ExtensionModule.Ending) {
        switch ending {
        case .returned(let status): returned(status)
        case .processEnded(let ending): failed(.processEnded(ending))
        case .unavailable: failed(.unavailable)
        }
    }

    /// Whether its request has to be begun, and not a completion to be called.
    var isQueued: Bool { state.withLock { state in state.life.isQueued } }

    /// As `run(notifies: false)` until the code is entered; nil if there is nothing to run.
    func beginBatchedRun() -> ControlBlock? {
        let (work, isFree, pool) = state.withLock { state in
            state.defersNotices = true
            let pool = state.pool
            let (work, isFree, _) = prepare(&state)
            return (work, isFree, pool)
        }
        if isFree { giveBack() }
        if work == nil, let pool { pool.with { $0.ran() } }
        return work?.1
    }

    /// The code of a request that was begun is not entered: it is begun again later. False if it has ended.
    func requeue() -> Bool {
        let (isQueued, pool) = state.withLock { state in
            state.setProcess(nil)
            guard state.life.requeue() else { return (false, state.pool) }
            state.block?.close()
            state.block = nil
            return (true, state.pool)
        }
        guard !isQueued else { return true }
        failed(.unavailable)
        if let pool { pool.with { $0.ran() } }
        return false
    }

    /// HttpExtensionProc has returned, or will not, for a request that was begun by `beginBatchedRun`.
    ///
    /// - Parameter duration: the microseconds that the code took; nil if that is not known.
    func endBatchedRun(_ ending: ExtensionModule.Ending, after duration: UInt32? = nil) {
        let pool = state.withLock { state in
            if state.times.areKept, let duration {
                state.times.start(at: CLinux_monotonic_ns() - UInt64(duration) * 1000)
            }
            return state.pool
        }
        finish(ending)
        if let pool { pool.with { $0.ran() } }
    }

    /// The extension has returned to the worker's thread, or the loop has been taken by another thread.
    ///
    /// - Parameters:
    ///   - onWorker: whether the calling thread is the worker's.
    ///   - began: when the extension was called, by the monotonic clock in nanoseconds; nil where that is not known.
    ///   - ended: when it had returned; nil while it has not, or where that is not known.
    func endDeferral(onWorker: Bool, began: UInt64? = nil, ended: UInt64? = nil) {
        state.withLock { state in
            if state.times.areKept {
                if let began { state.times.start(at: began) }
                if let ended, state.outcome != nil { state.times.end(at: ended) }
            }
            state.endDeferral(onWorker: onWorker)
        }
    }

    private typealias Work = (Unretained<ExtensionModule>, ControlBlock)

    private func prepare(_ state: inout SessionState) -> (Work?, isFree: Bool, isCompletion: Bool) {
        guard state.life.isQueued else { return (nil, false, true) }
        guard state.life.start() else { return (nil, state.recycleIfPossible(), false) }
        if state.times.areKept, !state.defersNotices || state.times.areExact {
            state.times.start(at: CLinux_monotonic_ns())
        }
        guard state.openBlock(for: self), let block = state.block,
            let module = state.module
        else {
            _ = state.life.returned(pending: false)
            state.outcome = SessionOutcome(ending: .exhausted, closesConnection: false, flaws: [])
            state.notify()
            return (nil, false, false)
        }
        return ((module, block), false, false)
    }

    private func returned(_ status: UInt32) {
        let isPending = status == UInt32(HSE_STATUS_PENDING)
        let (isFree, process) = state.withLock { state in
            if state.life.returned(pending: isPending) {
                state.complete(status)
                state.notify()
            } else if isPending, state.response.hasOutput {
                state.notify()
            }
            if isPending, state.life.isPending { state.countPending() }
            let process = isPending && state.life.isPending ? state.process : nil
            return (state.recycleIfPossible(), process)
        }
        if isFree { giveBack() }
        // It may have ended before it was known that the request is pending.
        if let process, let ending = process.ending { processEnded(process, ending) }
    }

    /// HttpExtensionProc will not return.
    private func failed(_ ending: SessionOutcome.Ending) {
        let (wakes, isFree) = state.withLock { state in
            if state.life.returned(pending: false) {
                state.fail(ending)
                state.notify()
            }
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            return (wakes, state.recycleIfPossible())
        }
        if wakes { progress.wake(Int.max) }
        if isFree { giveBack() }
    }

    // MARK: Output

    /// Appends to the response; waits while the client is slow.
    ///
    /// - Returns: how many bytes were taken, and the failure if not all of them.
    func write(
        _ bytes: ByteView, by caller: ControlBlockIdentity
    ) -> (written: Int, failure: CallFailure?) {
        var written = 0
        var isBlocked = false
        while true {
            let step = state.withLock { state in
                if isBlocked { state.life.unblock() }
                isBlocked = false
                guard state.admits(caller) else { return Step.end(.invalidParameter, state.recycleIfPossible()) }
                if let failure = state.connectionFailure { return .end(failure, false) }
                if state.operation.kind == .send || state.response.isDelegated { return .end(.invalidParameter, false) }
                let room = max(0, SessionState.outputLimit - state.response.bufferedCount)
                let piece = bytes[written...].prefix(room)
                state.response.write(piece)
                written += piece.count
                if written == bytes.count {
                    state.notifyOfOutput()
                    return .done
                }
                state.life.block()
                state.notify()
                return .wait(progress.count)
            }
            switch step {
            case .done:
                return (written, nil)
            case .read: preconditionFailure("a write reads nothing")
            case .end(let failure, let isFree):
                if isFree { giveBack() }
                return (written, failure)
            case .wait(let seen):
                isBlocked = true
                progress.wait(past: seen)
            }
        }
    }

    /// Begins the response with a status and a block of field lines.
    func sendHead(
        status: ByteView, block: ByteView, closesConnection: Bool,
        by caller: ControlBlockIdentity
    ) -> CallFailure? {
        answer(by: caller) { state in
            guard state.response.setHead(status: status, block: block, closesConnection: closesConnection)
            else { return .invalidParameter }
            state.notifyOfOutput()
            return nil
        }
    }

    // MARK: Input

    /// Reads body bytes into `buffer`, and waits for the client if necessary.
    ///
    /// - Returns: the number of bytes, 0 at the body's end.
    func read(
        into buffer: MutableByteView, by caller: ControlBlockIdentity
    ) -> (count: Int, failure: CallFailure?) {
        var isBlocked = false
        while true {
            let step = state.withLock { state in
                let isReader = isBlocked
                if isBlocked { state.life.unblock() }
                isBlocked = false
                guard state.admits(caller) else {
                    if isReader { state.body.endRead() }
                    return Step.end(.invalidParameter, state.recycleIfPossible())
                }
                if state.body.hasReader, !isReader { return .end(.invalidParameter, false) }
                if state.isClosedByExtension {
                    if isReader { state.body.endRead() }
                    return .end(.netnameDeleted, false)
                }
                switch state.body.read(into: buffer) {
                case .bytes(let count): return .read(count)
                case .failed: return .end(.connectionReset, false)
                case .wait where state.connectionFailure != nil:
                    state.body.endRead()
                    return .end(state.connectionFailure ?? .connectionReset, false)
                case .wait:
                    state.life.block()
                    if !isReader { state.notify() }
                    return .wait(progress.count)
                }
            }
            switch step {
            case .done: return (0, nil)
            case .read(let count): return (count, nil)
            case .end(let failure, let isFree):
                if isFree { giveBack() }
                return (0, failure)
            case .wait(let seen):
                isBlocked = true
                progress.wait(past: seen)
            }
        }
    }

    /// The next step of a call that may wait.
    private enum Step {
        case done
        case read(Int)
        /// Refused; true if this was the last reference to the session.
        case end(CallFailure, Bool)
        case wait(UInt32)
    }

    // MARK: The end

    /// HSE_REQ_DONE_WITH_SESSION with an HSE_STATUS_ number; succeeds once per request.
    func done(_ status: UInt32, by caller: ControlBlockIdentity) -> CallFailure? {
        let (failure, wakes, isFree): (CallFailure?, Bool, Bool) = state.withLock { state in
            guard state.admits(caller), state.life.done() else { return (.invalidParameter, false, false) }
            state.complete(status)
            state.notify()
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            return (nil, wakes, state.recycleIfPossible())
        }
        if wakes { progress.wake(Int.max) }
        if isFree { giveBack() }
        return failure
    }

    /// HSE_REQ_SET_FLUSH_FLAG: whether the worker is notified of any output.
    func setPrompt(_ isPrompt: Bool, by caller: ControlBlockIdentity) -> CallFailure? {
        state.withLock { state in
            guard state.admits(caller) else { return .invalidParameter }
            state.isPrompt = isPrompt
            state.notifyOfOutput()
            return nil
        }
    }

    // MARK: Questions

    /// Whether `caller` belongs to the request that is served now.
    func isUnderWay(_ caller: ControlBlockIdentity) -> Bool {
        state.withLock { state in state.admits(caller) }
    }

    /// As `inquire`, for calls that send: it fails when the connection has ended.
    func answer(
        by caller: ControlBlockIdentity, _ body: (inout SessionState) -> CallFailure?
    ) -> CallFailure? {
        inquire(by: caller) { state in state.connectionFailure ?? body(&state) }
    }

    /// Runs `body` with the state of the request that `caller` belongs to.
    func inquire(
        by caller: ControlBlockIdentity, _ body: (inout SessionState) -> CallFailure?
    ) -> CallFailure? {
        state.withLock { state in
            guard state.admits(caller) else { return .invalidParameter }
            return body(&state)
        }
    }
}
