import CISAPI
import CLinux
import HTTP
import Memory

/// The data of a session, guarded by its lock.
@safe
struct SessionState: ~Copyable {
    var life = SessionLife()
    var request = RequestRecord()
    var response = ResponseAssembly()
    var body = BodyIntake()
    var operation = AsyncOperation()
    /// The buffer of the asynchronous read in progress.
    var readBuffer: MutableByteView?
    /// The buffer and the process's name for it, where the extension runs isolated.
    var isolatedRead: IsolatedRead?
    /// The process that runs the extension's code, where it runs isolated.
    private(set) var process: HostProcess?
    /// The first error of calls that the process did not wait for.
    var unansweredFailure: CallFailure?
    /// The data that the operation in progress sends.
    var transfer = Transfer()
    /// The request that another route has to answer, until the worker has taken it.
    var child: InternalRequest?
    var childStatus: HSE_EXEC_URL_STATUS?
    /// There is something for the worker besides output.
    var hasCommands = false
    /// HSE_REQ_CLOSE_CONNECTION was called.
    var isClosedByExtension = false
    /// HSE_REQ_ABORTIVE_CLOSE was called.
    var resetsConnection = false
    /// The sub-status in the log.
    var substatus = 0
    var outcome: SessionOutcome?
    var times = SessionTimes()
    /// Text for the access log.
    var log = ByteBuffer()
    /// The buffer in which server variables are composed.
    var scratch = ByteBuffer()
    /// Keeps the module and the pool until the request has ended for both sides.
    var handle: ExtensionHandle?
    /// The handle's module; not counted, as pool threads and workers would contend for the count.
    var module: Unretained<ExtensionModule>?
    var pool: Unretained<ApplicationPool>?
    /// The worker's notifier; the worker clears it before its own end, so it is not counted either.
    unowned(unsafe) var notifier: (any SessionNotifier)?
    /// The control block of the request, while the extension has it.
    var block: ControlBlock?
    /// The worker has to be notified of any output.
    var isPrompt = false
    /// The pool stays for the completions of this request.
    var isCountedPending = false
    /// The extension runs on the worker's own thread, which needs no notification before it returns.
    var defersNotices = false
    /// A notification for the worker was deferred meanwhile.
    private var owesNotice = false
    /// The worker has been notified and has not taken events yet.
    private var isNotified = false
    /// The worker has taken events of this request.
    private var isLookedAfter = false

    /// Output is collected up to this size before the worker is woken for it.
    private static let notifyThreshold = 32 << 10
    /// A synchronous write waits while this much output is collected.
    static let outputLimit = 64 << 10
    private static let logLimit = 4 << 10

    init() {
        block = nil
        module = nil
        pool = nil
        readBuffer = nil
    }

    /// Whether a call with this control block belongs to the request served now.
    func admits(_ caller: ControlBlockIdentity) -> Bool {
        life.admitsCalls && isBlock(caller)
    }

    /// Whether this is the session's control block at present.
    func isBlock(_ caller: ControlBlockIdentity) -> Bool {
        block.map { $0.identity == caller } == true
    }

    // MARK: The worker

    /// Notifies the worker that there is something for it, unless a notification is already pending.
    mutating func notify() {
        if defersNotices {
            owesNotice = true
            return
        }
        guard !isNotified, let notifier = unsafe notifier else { return }
        isNotified = true
        notifier.notify()
    }

    /// Sends the deferred notification, if there is one.
    ///
    /// - Parameter onWorker: whether the calling thread is the worker's.
    mutating func endDeferral(onWorker: Bool) {
        defersNotices = false
        guard owesNotice else { return onWorker ? expectDelay() : () }
        owesNotice = false
        guard onWorker else { return notify() }
        guard !isNotified, let notifier = unsafe notifier else { return }
        isNotified = true
        notifier.notifyAtOnce()
    }

    /// The response was not complete immediately: the worker, whose thread calls, checks for output after a while.
    func expectDelay() {
        if !isLookedAfter, !isNotified { unsafe notifier?.expectDelay() }
    }

    /// As `notify()`, if there is enough output to justify it.
    mutating func notifyOfOutput() {
        if response.bufferedCount > Self.notifyThreshold || (isPrompt && response.hasOutput) { notify() }
    }

    mutating func takeEvents() -> SessionEvents {
        if times.areKept {
            outcome?.waited = times.waited
            outcome?.ran = times.ran
        }
        isNotified = false
        isLookedAfter = true
        let (head, bytes) = response.take()
        return SessionEvents(
            head: head, reason: response.reason, fields: response.fields, body: bytes,
            isBodyWanted: body.isWanted, hasCommands: hasCommands, outcome: outcome)
    }

    // MARK: The extension

    /// Gives the extension its control block; false when there is none left.
    mutating func openBlock(for session: ExtensionSession) -> Bool {
        guard let block = ControlBlock(for: session, request.requestID) else { return false }
        self.block = block
        block.open(
            for: request, readAhead: readAheadText, readAheadCount: body.readAheadCount, total: totalBytes)
        return true
    }

    private var readAheadText: ExtensionMemory {
        mutating get {
            unsafe ExtensionMemory(
                body.readAheadCount > 0
                    ? body.readAheadText() : UnsafeMutableRawPointer(request.text(request.emptyText)))
        }
    }

    /// The declared length of the body; all ones when it is unknown or does not fit.
    private var totalBytes: DWORD {
        switch request.head.framing {
        case .none: 0
        case .length(let length): DWORD(exactly: length) ?? .max
        case .chunked: request.knownLength.flatMap { DWORD(exactly: $0) } ?? .max
        }
    }

    // MARK: Operations

    /// Why no further byte can be moved; nil while there is a connection.
    var connectionFailure: CallFailure? {
        if isClosedByExtension { return .netnameDeleted }
        return life.isAttached ? nil : .connectionReset
    }

    /// Whether the client can still be reached, as far as the system knows now.
    var isClientConnected: Bool {
        unsafe connectionFailure == nil && notifier?.isPeerConnected == true
    }

    /// Ends the operation in progress.
    ///
    /// - Returns: the pool that has to call the completion, once the lock is released.
    mutating func endOperation(bytes: UInt64, error: CallFailure?) -> Unretained<ApplicationPool>? {
        if operation.kind == .read {
            body.endRead()
            readBuffer = nil
        }
        guard operation.end(bytes: bytes, error: error?.rawValue ?? 0) else { return nil }
        transfer.close()
        life.completionQueued()
        return pool
    }

    /// Ends the asynchronous read if it has a result.
    mutating func answeredRead() -> Unretained<ApplicationPool>? {
        guard operation.kind == .read, let buffer = readBuffer else { return nil }
        switch body.read(into: buffer) {
        case .bytes(let count): return endOperation(bytes: UInt64(count), error: nil)
        case .failed: return endOperation(bytes: 0, error: .operationAborted)
        case .wait: return nil
        }
    }

    /// The request continues without a thread: its pool stays for its completions.
    mutating func countPending() {
        guard !isCountedPending, let pool = pool else { return }
        isCountedPending = true
        pool.with { $0.pendingBegan() }
    }

    /// The extension's part has ended: an operation in progress is sent, but the extension is not notified.
    private mutating func detachOperation() {
        guard operation.isUsed else { return }
        if operation.kind == .read {
            body.endRead()
            readBuffer = nil
        }
        transfer.releaseMemory()
        operation.drop()
    }

    /// The response is complete with this status; the block's text for the log is read.
    mutating func complete(_ status: UInt32) {
        noteEnd()
        detachOperation()
        response.finish()
        noteLogData()
        let head = response.head
        let noted = block?.status ?? ControlBlock.initialStatus
        let logStatus = noted != ControlBlock.initialStatus && (100...999).contains(noted) ? Int(noted) : nil
        let ending: SessionOutcome.Ending =
            switch Int32(bitPattern: status) {
            case 0, HSE_STATUS_SUCCESS, HSE_STATUS_SUCCESS_AND_KEEP_CONN, HSE_STATUS_PENDING:
                response.isHeadGiven ? .complete : .silent
            case HSE_STATUS_ERROR: .failed
            default: .unknownStatus(status)
            }
        var outcome = SessionOutcome(
            ending: ending, logStatus: logStatus, closesConnection: head.closesConnection, flaws: head.flaws)
        outcome.hasLogText = !log.isEmpty
        outcome.resetsConnection = resetsConnection
        outcome.substatus = substatus
        if outcome.isError { outcome.logStatus = 500 }
        if outcome.isError, response.isHeadGiven { outcome.closesConnection = true }
        self.outcome = outcome
    }

    /// The extension cannot complete the response: its process has ended, or it has none.
    mutating func fail(_ ending: SessionOutcome.Ending) {
        noteEnd()
        detachOperation()
        response.finish()
        outcome = SessionOutcome(ending: ending, closesConnection: response.isHeadGiven, flaws: response.head.flaws)
    }

    /// On a worker's thread, the worker notes the end, unless it runs several requests in a process.
    private mutating func noteEnd() {
        if times.areKept, !defersNotices || process != nil { times.end(at: CLinux_monotonic_ns()) }
    }

    /// Appends to the text for the log, up to its limit.
    mutating func appendLog(_ text: ByteView) {
        let room = max(0, Self.logLimit - log.count)
        log.append(text.prefix(room))
    }

    private mutating func noteLogData() {
        if let block { appendLog(block.logText) }
    }

    // MARK: Release by both sides

    /// Makes the session idle if neither side has a reference any more; true when it may then return to the store.
    mutating func recycleIfPossible() -> Bool {
        guard life.isRecyclable else { return false }
        life.recycle()
        block?.close()
        block = nil
        request.reset()
        response.reset()
        body.reset()
        outcome = nil
        log.removeAll()
        scratch.removeAll()
        unsafe notifier = nil
        isPrompt = false
        isNotified = false
        isLookedAfter = false
        defersNotices = false
        owesNotice = false
        if operation.isUsed || childStatus != nil || hasCommands || isClosedByExtension { resetOperations() }
        resetsConnection = false
        substatus = 0
        if let module = module { module.with { $0.requestEnded() } }
        module = nil
        if isCountedPending, let pool = pool { pool.with { $0.pendingEnded() } }
        isCountedPending = false
        pool = nil
        if process != nil { setProcess(nil) }
        unansweredFailure = nil
        if isolatedRead != nil { isolatedRead = nil }
        // It may be the last reference that keeps an extension loaded, which ends with its last request.
        handle = nil
        return true
    }

    /// The process that runs the extension's code, which was reserved for the request.
    mutating func setProcess(_ new: HostProcess?) {
        process?.release()
        process = new
    }

    private mutating func resetOperations() {
        operation = AsyncOperation()
        readBuffer = nil
        transfer.close()
        child = nil
        childStatus = nil
        hasCommands = false
        isClosedByExtension = false
    }
}
