import CISAPI
import Glibc
import HTTP
import Memory
import Transport

/// Asynchronous operations and other requests of the extension to the worker.
///
/// An operation ends under the session's lock, on whichever thread; its completion is called later, by the thread that
/// takes the session from the queue like a new request.
extension ExtensionSession {
    // MARK: The extension's side

    /// Begins an operation of `kind`, if none is in progress and there is a completion function.
    ///
    /// - Parameters:
    ///   - target: nil for the one that HSE_REQ_IO_COMPLETION set.
    ///   - start: called under the lock once the operation may begin; a failure means that it has not begun.
    func begin(
        _ kind: AsyncOperation.Kind, by caller: ControlBlockIdentity, target: CompletionTarget? = nil,
        _ start: (inout SessionState) -> CallFailure?
    ) -> CallFailure? {
        let (failure, pool): (CallFailure?, Unretained<ApplicationPool>?) = state.withLock { state in
            guard state.admits(caller) else { return (.invalidParameter, nil) }
            if let failure = state.connectionFailure { return (failure, nil) }
            guard let target = target ?? state.operation.target, !state.operation.isBusy else {
                return (.invalidParameter, nil)
            }
            if let failure = start(&state) { return (failure, nil) }
            _ = state.operation.begin(kind, target)
            if kind == .read {
                let pool = state.answeredRead()
                if pool == nil { state.notify() }
                return (nil, pool)
            }
            state.hasCommands = true
            state.notify()
            return (nil, nil)
        }
        complete(in: pool)
        return failure
    }

    /// HSE_IO_ASYNC of WriteClient: the extension keeps the buffer until the completion.
    ///
    /// - Parameter rest: the file, and how many bytes of it, that follow the buffer.
    func beginWrite(
        _ bytes: ByteView, then rest: (file: TransferFile, count: UInt64)? = nil, by caller: ControlBlockIdentity
    ) -> CallFailure? {
        begin(.send, by: caller) { state in
            guard !state.response.isDelegated else { return .invalidParameter }
            var pieces: [Transfer.Piece] = []
            if state.response.isHeadGiven {
                pieces.append(.memory(bytes))
            } else {
                // It may be the head, or part of it.
                state.response.write(bytes)
            }
            if let rest {
                state.response.beginBody()
                pieces.append(.file(rest.file, offset: 0, count: rest.count))
            }
            let total = UInt64(bytes.count) + (rest?.count ?? 0)
            state.transfer.open(pieces, reporting: total, disconnects: false)
            return nil
        }
    }

    /// As `beginRead(into:)`, for an extension that runs isolated.
    func beginRead(_ read: IsolatedRead, by caller: ControlBlockIdentity) -> CallFailure? {
        begin(.read, by: caller) { state in
            guard !state.body.hasReader else { return .invalidParameter }
            state.readBuffer = read.buffer
            state.isolatedRead = read
            return nil
        }
    }

    /// HSE_REQ_ASYNC_READ_CLIENT.
    func beginRead(into buffer: MutableByteView, by caller: ControlBlockIdentity) -> CallFailure? {
        begin(.read, by: caller) { state in
            guard !state.body.hasReader else { return .invalidParameter }
            state.readBuffer = buffer
            return nil
        }
    }

    /// Makes the worker answer with another request's response; HSE_REQ_EXEC_URL if an operation ends with it.
    func beginChild(_ request: InternalRequest, isOperation: Bool, by caller: ControlBlockIdentity) -> CallFailure? {
        let start = { (state: inout SessionState) -> CallFailure? in
            guard state.response.delegate() else { return .invalidParameter }
            var request = request
            if case .unread = request.entity { request.entity = .unread(behind: state.body.unreadBytes) }
            state.child = request
            return nil
        }
        if isOperation { return begin(.child, by: caller, start) }
        return answer(by: caller) { state in
            if state.operation.isBusy { return .invalidParameter }
            if let failure = start(&state) { return failure }
            state.hasCommands = true
            state.notify()
            return nil
        }
    }

    /// HSE_REQ_CANCEL_IO: the operation in progress completes with ERROR_OPERATION_ABORTED.
    func cancelOperation(by caller: ControlBlockIdentity) -> CallFailure? {
        let (failure, pool): (CallFailure?, Unretained<ApplicationPool>?) = state.withLock { state in
            guard state.admits(caller) else { return (.invalidParameter, nil) }
            // A request that another route answers can no longer be cancelled.
            guard let kind = state.operation.kind, kind != .child else { return (.notFound, nil) }
            return (nil, state.endOperation(bytes: 0, error: .operationAborted))
        }
        complete(in: pool)
        return failure
    }

    /// HSE_REQ_CLOSE_CONNECTION: the operation in progress completes with ERROR_NETNAME_DELETED.
    func closeConnection(by caller: ControlBlockIdentity) -> CallFailure? {
        let (failure, pool): (CallFailure?, Unretained<ApplicationPool>?) = state.withLock { state in
            guard state.admits(caller) else { return (.invalidParameter, nil) }
            if let failure = state.connectionFailure { return (failure, nil) }
            state.isClosedByExtension = true
            // A worker that waits for a slow client would otherwise notice only when the client reads or its time
            // expires.
            if state.transfer.isOpen || state.life.hasBlockedCalls { unsafe state.notifier?.disconnect() }
            state.hasCommands = true
            state.notify()
            return (nil, state.endOperation(bytes: 0, error: .netnameDeleted))
        }
        complete(in: pool)
        return failure
    }

    // MARK: The worker's side

    /// What the extension requests besides sending its output.
    package enum Command {
        /// Close the connection; the extension continues without it.
        case close
        case child(InternalRequest)
        case transfer
    }

    /// The next command; nil when all have been run.
    package func takeCommand() -> Command? {
        state.withLock { state in
            if state.isClosedByExtension { return .close }
            if let child = state.child {
                state.child = nil
                return .child(child)
            }
            if state.transfer.isOpen { return .transfer }
            state.hasCommands = false
            return nil
        }
    }

    /// Continues the transfer.
    func stepTransfer(_ write: (ByteView) -> Void) -> Transfer.Step {
        state.withLock { state in state.transfer.step(write) }
    }

    /// All of the transfer was sent, or `failure` states why not; returns whether the connection closes after it.
    func transferEnded(_ failure: CallFailure? = nil, on worker: Worker) -> Bool {
        let (disconnects, pool) = state.withLock { state in
            let disconnects = state.transfer.isOpen && state.transfer.disconnects
            let bytes = failure == nil ? state.transfer.reportedBytes : 0
            state.transfer.close()
            return (disconnects, state.endOperation(bytes: bytes, error: failure))
        }
        complete(in: pool, on: worker)
        return disconnects
    }

    /// The internal request has ended.
    ///
    /// - Parameter isAnswered: false when nothing was sent, and the extension may still answer.
    func childEnded(status: Int, substatus: Int, isAnswered: Bool, on worker: Worker) {
        let pool = state.withLock { state in
            let error: CallFailure? = isAnswered ? nil : .invalidParameter
            state.childStatus = HSE_EXEC_URL_STATUS(
                uHttpStatusCode: USHORT(clamping: status), uHttpSubStatus: USHORT(clamping: substatus),
                dwWin32Error: error?.rawValue ?? 0)
            if !isAnswered { state.response.takeBack() }
            return state.endOperation(bytes: 0, error: error)
        }
        complete(in: pool, on: worker)
    }

    // MARK: Completions

    /// Queues this session for a thread of `pool` that calls the completion; no effect for nil.
    func complete(in pool: Unretained<ApplicationPool>?) {
        guard let pool = pool?.value else { return }
        // The completion may end the request, and with it the pool, before the call returns.
        withExtendedLifetime(pool) { pool.enqueueCompletion(of: self) }
    }

    /// As `complete(in:)`, on the worker's thread, which may run the completion itself later.
    func complete(in pool: Unretained<ApplicationPool>?, on worker: Worker?) {
        guard pool != nil else { return }
        guard let worker, let submissions = state.withLock({ $0.handle?.submissions }) else {
            return complete(in: pool)
        }
        submissions.addCompletion(of: self, on: worker)
    }

    /// Calls the pending completion, on a thread that runs extension code.
    func runCompletion() {
        let (completion, block, module, read) = state.withLock { state in
            let read = state.isolatedRead
            if read != nil { state.isolatedRead = nil }
            return (state.operation.takeCompletion(), state.block, state.module, read)
        }
        if let completion, let block = block, let module {
            module.with { module in
                unsafe module.complete(completion, block.pointer, read: read, for: self)
            }
        }
        let isFree = state.withLock { state in
            state.life.completionEnded()
            return state.recycleIfPossible()
        }
        if isFree { giveBack() }
    }
}
