import CLinux
import Memory
import Transport

/// One worker's submissions to a pool: collects the sessions of a turn of its loop and queues them together.
///
/// Used by its worker's thread only.
@safe
package final class PoolSubmissionQueue {
    package let pool: ApplicationPool
    private var sessions = SessionQueue()
    /// Idle sessions, the last used first; kept here so that workers do not contend for the common store.
    private var idle = SessionList()
    private var inline = InlineRunning()
    /// The sessions that run together, where the module runs several at once.
    private var batch = SessionBatch()
    /// That module, which the handle keeps, as it keeps this queue.
    private var batching: Unretained<ExtensionModule>?
    /// Sessions added in this turn are likely to run at its end, and to complete then.
    private(set) var promisesToRun = false
    /// The session that runs on the lent loop.
    private var running: Unretained<ExtensionSession>?
    /// When it was begun, by the monotonic clock in nanoseconds.
    private var runBegan: UInt64 = 0
    private var now = Deadline(milliseconds: 0)

    private static let idleLimit = 256

    package init(_ pool: ApplicationPool) {
        self.pool = pool
        running = nil
        batching = nil
    }

    /// Lets the sessions run together, by their module.
    func batches(for module: ExtensionModule) {
        unsafe batching = Unretained(unchecked: module)
    }

    deinit {
        while let session = idle.pop() { session.with { $0.giveBack() } }
    }

    /// An idle session.
    func takeSession() -> ExtensionSession {
        guard let session = idle.pop() else { return ExtensionSession.take() }
        return session.value
    }

    /// As `ExtensionSession.release`, but keeps the session for this worker's next request.
    func release(_ session: ExtensionSession) {
        guard session.detach() else { return }
        if idle.count < Self.idleLimit {
            unsafe idle.push(Unretained(unchecked: session))
        } else {
            session.giveBack()
        }
    }

    private var isEmpty: Bool { sessions.count == 0 }

    /// Whether a session that is added now is likely to run at the end of this turn.
    @inline(__always)
    func isLikelyToRun(on worker: Worker) -> Bool {
        isEmpty ? worker.canLend && inline.isAllowed(at: worker.now) : promisesToRun
    }

    /// Adds a session that was begun; false when the pool's queue is full and the session has to be withdrawn.
    ///
    /// - Parameter worker: the worker at the end of whose turn the session runs or is queued; without it the caller
    ///   calls `flush`.
    @inline(__always)
    func add(_ session: ExtensionSession, on worker: Worker? = nil) -> Bool {
        guard pool.admit() else { return false }
        append(session, on: worker)
        return true
    }

    /// Adds a session for the completion of its operation, whose request has begun; the limit of the queue does not
    /// apply.
    func addCompletion(of session: ExtensionSession, on worker: Worker) {
        pool.admitCompletion()
        append(session, on: worker)
    }

    @inline(__always)
    private func append(_ session: ExtensionSession, on worker: Worker?) {
        if isEmpty, let worker {
            worker.lendAtEndOfTurn(to: self)
            promisesToRun = isLikelyToRun(on: worker)
        }
        unsafe sessions.append(Unretained(unchecked: session))
    }

    /// Queues the sessions added since the last call for the pool's threads.
    @inline(__always)
    func flush() {
        guard !isEmpty else { return }
        if promisesToRun { sessions.visit { $0.expectDelay() } }
        pool.enqueue(&sessions)
    }
}

extension PoolSubmissionQueue: LoopBorrower {
    /// Runs the sessions added during the turn on the worker's own thread if they are likely to be short, and queues
    /// the rest for the pool.
    package func borrowLoop(of worker: Worker) -> Bool {
        now = worker.now
        guard inline.isAllowed(at: now), worker.canLend, pool.enter() else {
            flush()
            return true
        }
        let pool = pool
        defer { pool.leave() }
        let began = CLinux_monotonic_ns()
        var seen = began
        while let session = sessions.first {
            if let module = batching, session.with({ $0.isQueued }) {
                guard runBatch(module.value, on: worker) else { return false }
                if CLinux_monotonic_ns() &- began > InlineRunning.turnLimit {
                    continueNextTurn(on: worker)
                    return true
                }
                if !inline.isAllowed(at: now) { break }
                continue
            }
            _ = sessions.popFirst()
            running = session
            runBegan = seen
            let isOurs = worker.lend { pool.run(session, notifies: false) }
            let ended = CLinux_monotonic_ns()
            session.with { $0.endDeferral(onWorker: isOurs, began: seen, ended: ended) }
            guard isOurs else { return false }
            inline.ran(for: ended &- seen, at: now)
            seen = ended
            if seen &- began > InlineRunning.turnLimit || !inline.isAllowed(at: now) { break }
        }
        flush()
        return true
    }

    /// Runs the first sessions together; false if the loop was taken meanwhile.
    private func runBatch(_ module: ExtensionModule, on worker: Worker) -> Bool {
        running = nil
        let batch = batch
        batch.clear()
        let limit = inline.batchLimit(atMost: module.batchLimit)
        while batch.members.count < limit, let session = sessions.first, session.with({ $0.isQueued }) {
            _ = sessions.popFirst()
            batch.add(session)
        }
        if batch.members.isEmpty { return true }
        let pool = pool
        let isOurs = worker.lend { pool.run(batch, by: module) }
        batch.endDeferral(onWorker: isOurs)
        guard isOurs else { return false }
        for duration in batch.durations { inline.ran(for: UInt64(duration) * 1000, at: now) }
        return true
    }

    /// Keeps what was not run for the next turn.
    private func continueNextTurn(on worker: Worker) {
        guard !isEmpty else { return }
        sessions.visit { $0.expectDelay() }
        worker.lendAtEndOfTurn(to: self)
    }

    package func loopTaken() {
        inline.loopTaken(at: now, isOtherProcess: running == nil)
        // The thread that runs it keeps the batch.
        if running == nil {
            var rest = batch.takeBack()
            batch.endDeferral(onWorker: true)
            batch = SessionBatch()
            sessions.append(&rest)
        }
        // It may just have ended and belong to another worker already; these notices do no harm there.
        if let session = running { session.with { $0.endDeferral(onWorker: true, began: runBegan) } }
        flush()
    }
}

/// Sessions in the order of arrival, linked through themselves.
@safe
struct SessionQueue: ~Copyable {
    private(set) var first = Unretained<ExtensionSession>?.none
    private var last = Unretained<ExtensionSession>?.none
    private(set) var count = 0

    mutating func append(_ session: Unretained<ExtensionSession>) {
        session.with { $0.next = nil }
        if let last = last {
            last.with { $0.next = session }
        } else {
            first = session
        }
        last = session
        count += 1
    }

    /// Moves all of `other` to the end of this queue.
    mutating func append(_ other: inout SessionQueue) {
        guard let otherFirst = other.first else { return }
        if let last = last {
            last.with { $0.next = otherFirst }
        } else {
            first = otherFirst
        }
        last = other.last
        count += other.count
        other.first = nil
        other.last = nil
        other.count = 0
    }

    func visit(_ body: (ExtensionSession) -> Void) {
        var next = first
        while let session = next {
            session.with { session in
                body(session)
                next = session.next
            }
        }
    }

    mutating func popFirst() -> Unretained<ExtensionSession>? {
        guard let session = first else { return nil }
        session.with { session in
            first = session.next
            session.next = nil
        }
        if first == nil { last = nil }
        count -= 1
        return session
    }
}
