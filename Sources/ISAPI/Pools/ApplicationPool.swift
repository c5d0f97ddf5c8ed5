import CISAPI
import CLinux
import Glibc
import Memory
import Synchronization
import Transport

/// Threads that run extension code, and the queue of sessions that wait for one.
///
/// A pool starts with its creation and ends with `stop`. It runs at most as many sessions at the same time as it has
/// threads, those on a worker's thread (`PoolSubmissionQueue`) included.
@safe
package final class ApplicationPool: @unchecked Sendable {
    package let name: String
    package let threadCount: Int
    /// Sessions that may wait for a thread.
    package let queueLimit: Int

    private let queue = Guarded(Queue())
    private let work = WaitPoint()
    private let ended = WaitPoint()
    /// Sessions waiting for a thread or running, those in submission queues included.
    private let admitted = Atomic(0)
    /// Sessions that no thread has taken, as a hint that needs no lock.
    private let queued = Atomic(0)
    /// Pending requests, whose completions need threads.
    private let pending = Atomic(0)
    private let startedThreads = Atomic(0)
    private var threads: [pthread_t] = []

    private struct Queue: ~Copyable {
        var sessions = SessionQueue()
        var idleThreads = 0
        /// Sessions that run, on a thread of the pool or of a worker.
        var running = 0
        /// Workers that run sessions.
        var runningWorkers = 0
        /// A thread has been woken and has not reached the queue yet.
        var isWaking = false
        var isStopping = false
        /// Threads that have not ended.
        var runningThreads = 0

        /// Whether one more thread has to be woken now.
        ///
        /// One at a time: a woken thread wakes the next if there is more work than it takes. Short requests are
        /// finished by the threads already running before many have been woken for them; where requests block, further
        /// threads start as fast as wake-ups follow each other.
        mutating func wakesAnother(_ threadLimit: Int) -> Bool {
            guard idleThreads > 0, !isWaking, sessions.count > 0, running < threadLimit else { return false }
            isWaking = true
            return true
        }

        /// How many threads have to be woken now; all of them when a stopping pool has progressed, to end or to
        /// continue.
        mutating func wakeUps(_ threadLimit: Int, isProgress: Bool) -> Int {
            if isStopping, isProgress { return idleThreads }
            return wakesAnother(threadLimit) ? 1 : 0
        }
    }

    /// How much it has to do at present.
    package struct Load: Equatable, Sendable {
        /// Requests for which there is no thread yet.
        package let waiting: Int
        package let running: Int
        /// Requests whose extension will complete them later (HSE_STATUS_PENDING).
        package let pending: Int
    }

    /// From any thread; the numbers are read one after the other.
    package var load: Load {
        let all = admitted.load(ordering: .relaxed)
        let waiting = min(max(queued.load(ordering: .relaxed), all - threadCount), all)
        return Load(
            waiting: max(0, waiting), running: max(0, all - waiting), pending: pending.load(ordering: .relaxed))
    }

    private static let yieldsBeforeSleep = 3

    /// Extensions may put large buffers on the stack; pages are taken only as they are touched.
    private static let stackSize = 1 << 20

    /// - Throws: `ApplicationPoolError` when the system refuses a thread; those already started are ended.
    package init(name: String, threads count: Int, queueLimit: Int = 1000) throws(ApplicationPoolError) {
        precondition(count > 0)
        self.name = name
        threadCount = count
        self.queueLimit = queueLimit
        for _ in 0..<count {
            let error = startThread()
            if error != 0 {
                stop(within: .seconds(1))
                throw ApplicationPoolError(pool: name, error: error)
            }
        }
    }

    /// Lets the threads finish all waiting sessions, and ends them. No session may be added any more.
    ///
    /// - Returns: false when a thread is still inside an extension after `limit`; that thread is left running.
    @discardableResult
    package func stop(within limit: Duration) -> Bool {
        let deadline = ContinuousClock.now + limit
        while true {
            let seen = ended.count
            if pending.load(ordering: .sequentiallyConsistent) == 0 { break }
            guard ended.wait(past: seen, until: deadline) else { break }
        }
        queue.withLock { queue in
            queue.isStopping = true
            work.advance()
        }
        work.wake(Int.max)
        while true {
            let (isOver, seen) = queue.withLock { queue in
                (queue.runningThreads == 0 && queue.runningWorkers == 0, ended.count)
            }
            if isOver { break }
            guard ended.wait(past: seen, until: deadline) else { return false }
        }
        for thread in threads { pthread_join(thread, nil) }
        threads = []
        return true
    }

    private func threadEnded() {
        queue.withLock { queue in
            queue.runningThreads -= 1
            ended.advance()
        }
        ended.wake(Int.max)
    }

    /// Counts one more session; false when the queue is full.
    func admit() -> Bool {
        // A free thread counts as space in the queue, even when it has not been woken yet.
        if admitted.add(1, ordering: .relaxed).newValue <= queueLimit + threadCount { return true }
        admitted.subtract(1, ordering: .relaxed)
        return false
    }

    /// Counts one more session that is queued for the completion of its operation; its request has begun already.
    func admitCompletion() {
        admitted.add(1, ordering: .relaxed)
    }

    /// Queues a worker's sessions with one lock and wakes a thread for them.
    func enqueue(_ sessions: inout SessionQueue) {
        let wakes = queue.withLock { queue in
            queue.sessions.append(&sessions)
            queued.store(queue.sessions.count, ordering: .relaxed)
            let wakes = queue.wakesAnother(threadCount)
            if wakes { work.advance() }
            return wakes
        }
        if wakes { work.wake(1) }
    }

    /// Queues a session for the completion of its operation.
    func enqueueCompletion(of session: ExtensionSession) {
        admitCompletion()
        var sessions = SessionQueue()
        unsafe sessions.append(Unretained(unchecked: session))
        enqueue(&sessions)
    }

    func pendingBegan() {
        pending.add(1, ordering: .relaxed)
    }

    func pendingEnded() {
        guard pending.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 else { return }
        ended.advance()
        ended.wake(Int.max)
    }

    // MARK: Workers that run sessions

    /// Whether the calling worker may run sessions, one at a time, until it leaves.
    func enter() -> Bool {
        queue.withLock { queue in
            guard queue.running < threadCount, queue.sessions.count == 0, !queue.isStopping else { return false }
            queue.running += 1
            queue.runningWorkers += 1
            return true
        }
    }

    func leave() {
        let (wakes, isStopping) = queue.withLock { queue in
            queue.running -= 1
            queue.runningWorkers -= 1
            let wakes = queue.wakeUps(threadCount, isProgress: true)
            if wakes > 0 { work.advance() }
            if queue.isStopping { ended.advance() }
            return (wakes, queue.isStopping)
        }
        if wakes > 0 { work.wake(wakes) }
        if isStopping { ended.wake(Int.max) }
    }

    /// Runs an admitted session on the calling thread.
    @inline(__always)
    func run(_ session: Unretained<ExtensionSession>, notifies: Bool = true) {
        session.with { $0.run(notifies: notifies) }
        ran()
    }

    /// Runs admitted sessions on the calling thread; those that could not be run are queued.
    func run(_ batch: SessionBatch, by module: ExtensionModule) {
        module.run(batch)
        var rest = batch.takeBackAll()
        if rest.count > 0 { enqueue(&rest) }
    }

    /// A session was run, or needs not be run.
    func ran() {
        admitted.subtract(1, ordering: .relaxed)
    }

    // MARK: Threads

    private func startThread() -> Int32 {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, Self.stackSize)
        // Signals belong to the gateway's own threads.
        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        // A fault whose signal is blocked ends the process without a report.
        for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS] { unsafe sigdelset(&all, fault) }
        unsafe pthread_sigmask(SIG_BLOCK, &all, &previous)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var thread = pthread_t()
        let pool = unsafe Unmanaged.passRetained(self)
        queue.withLock { queue in queue.runningThreads += 1 }
        let error = unsafe pthread_create(
            &thread, &attributes,
            { context in
                unsafe Unmanaged<ApplicationPool>.fromOpaque(context!).takeRetainedValue().serve()
                return nil
            }, pool.toOpaque())
        guard error == 0 else {
            unsafe pool.release()
            threadEnded()
            return error
        }
        threads.append(thread)
        return 0
    }

    private func serve() {
        let number = startedThreads.add(1, ordering: .relaxed).newValue
        // The kernel keeps 15 bytes of a thread's name.
        unsafe CLinux_set_thread_name("\(name.prefix(11))-\(number)")
        CLinux_guard_stack()
        var hasRun = false
        while let session = nextSession(hasRun: hasRun) {
            hasRun = true
            run(session)
        }
        EntryPointCalls.threadEnds()
        threadEnded()
    }

    /// The session that has waited longest; waits for one, nil once the pool stops and no session is left.
    private func nextSession(hasRun: Bool) -> Unretained<ExtensionSession>? {
        var wasIdle = false
        var isRunning = hasRun
        var yields = 0
        while true {
            // On a busy machine other threads run meanwhile and may bring work, which then needs no wake-up.
            if !wasIdle, queued.load(ordering: .relaxed) == 0, yields < Self.yieldsBeforeSleep {
                yields += 1
                sched_yield()
                continue
            }
            let (session, isOver, wakes, seen) = queue.withLock { queue in
                if isRunning { queue.running -= 1 }
                isRunning = false
                if wasIdle {
                    queue.idleThreads -= 1
                    queue.isWaking = false
                }
                let session = queue.running < threadCount ? queue.sessions.popFirst() : nil
                if session != nil { queue.running += 1 }
                queued.store(queue.sessions.count, ordering: .relaxed)
                let isOver = session == nil && queue.isStopping && queue.sessions.count == 0
                wasIdle = session == nil && !isOver
                if wasIdle { queue.idleThreads += 1 }
                let wakes = queue.wakeUps(threadCount, isProgress: session != nil)
                if wakes > 0 { work.advance() }
                return (session, isOver, wakes, work.count)
            }
            if wakes > 0 { work.wake(wakes) }
            if let session = session { return session }
            if isOver { return nil }
            work.wait(past: seen)
        }
    }
}

/// A thread of a pool could not be started.
package struct ApplicationPoolError: Error, Equatable, CustomStringConvertible {
    package let pool: String
    /// errno.
    package let error: Int32

    package var description: String {
        "application pool \(pool): cannot start a thread: \(systemText(error))"
    }
}
