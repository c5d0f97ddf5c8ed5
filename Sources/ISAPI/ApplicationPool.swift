import CISAPI
import CLinux
import Glibc
import Synchronization

/// Threads that run extension code, and the queue of sessions waiting for one.
///
/// A pool starts with its creation and ends with `stop`.
@safe
package final class ApplicationPool: @unchecked Sendable {
    package let name: String
    package let threadCount: Int
    /// Sessions that may wait for a thread.
    package let queueLimit: Int

    private let queue = Guarded(Queue())
    private let work = WaitPoint()
    private let ended = WaitPoint()
    /// Sessions waiting for a thread or on one, those still in feeders included.
    private let admitted = Atomic(0)
    /// Sessions no thread has taken, as a hint that needs no lock.
    private let queued = Atomic(0)
    /// Pending requests, whose completions need threads.
    private let pending = Atomic(0)
    private let startedThreads = Atomic(0)
    private var threads: [pthread_t] = []

    private struct Queue: ~Copyable {
        var sessions = SessionQueue()
        var idleThreads = 0
        /// A thread has been woken and has not come to the queue yet.
        var isWaking = false
        var isStopping = false
        /// Threads that have not ended.
        var runningThreads = 0

        /// Whether one more thread is to be woken now.
        ///
        /// One at a time: a woken thread wakes the next if it finds more work than it takes. Short requests are
        /// finished by the threads already running before many have been woken for them; where requests block, every
        /// thread comes to run as fast as wake-ups follow each other.
        mutating func wakesAnother() -> Bool {
            guard idleThreads > 0, !isWaking, sessions.count > 0 else { return false }
            isWaking = true
            return true
        }
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

    /// Lets the threads finish all that waits, and ends them. Nothing may be added any more.
    ///
    /// - Returns: false when a thread is still inside an extension after `limit`; it is left there.
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
            let (running, seen) = queue.withLock { queue in (queue.runningThreads, ended.count) }
            if running == 0 { break }
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
    fileprivate func admit() -> Bool {
        // A thread that is free counts as room, even when it has not been woken yet.
        if admitted.add(1, ordering: .relaxed).newValue <= queueLimit + threadCount { return true }
        admitted.subtract(1, ordering: .relaxed)
        return false
    }

    /// Queues a worker's sessions with one lock and wakes a thread for them.
    fileprivate func enqueue(_ sessions: inout SessionQueue) {
        let wakes = queue.withLock { queue in
            queue.sessions.append(&sessions)
            queued.store(queue.sessions.count, ordering: .relaxed)
            let wakes = queue.wakesAnother()
            if wakes { work.advance() }
            return wakes
        }
        if wakes { work.wake(1) }
    }

    /// Queues a session whose request has begun, for the completion of its operation.
    func enqueueCompletion(of session: ExtensionSession) {
        admitted.add(1, ordering: .relaxed)
        var sessions = SessionQueue()
        unsafe sessions.append(Unmanaged.passUnretained(session))
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
        var modules = unsafe [Unmanaged<ExtensionModule>]()
        while let session = unsafe nextSession() {
            let ran = unsafe session._withUnsafeGuaranteedRef { unsafe $0.run() }
            admitted.subtract(1, ordering: .relaxed)
            guard let module = unsafe ran else { continue }
            if unsafe !modules.contains(where: { unsafe $0.toOpaque() == module.toOpaque() }) {
                unsafe modules.append(module)
            }
        }
        while let module = unsafe modules.popLast() {
            unsafe module._withUnsafeGuaranteedRef { $0.threadDetach() }
        }
        threadEnded()
    }

    /// The session that has waited longest; waits for one, nil once the pool stops and nothing is left.
    private func nextSession() -> Unmanaged<ExtensionSession>? {
        var wasIdle = false
        var yields = 0
        while true {
            // On a busy machine others run meanwhile and may bring work, which then needs no wake-up.
            if !wasIdle, queued.load(ordering: .relaxed) == 0, yields < Self.yieldsBeforeSleep {
                yields += 1
                sched_yield()
                continue
            }
            let (session, isStopping, wakes, seen) = unsafe queue.withLock { queue in
                if wasIdle {
                    queue.idleThreads -= 1
                    queue.isWaking = false
                }
                let session = unsafe queue.sessions.popFirst()
                queued.store(queue.sessions.count, ordering: .relaxed)
                wasIdle = unsafe session == nil && !queue.isStopping
                if wasIdle { queue.idleThreads += 1 }
                let wakes = queue.wakesAnother()
                if wakes { work.advance() }
                return unsafe (session, queue.isStopping, wakes, work.count)
            }
            if wakes { work.wake(1) }
            if let session = unsafe session { return unsafe session }
            if isStopping { return nil }
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
        unsafe "application pool \(pool): cannot start a thread: \(String(cString: strerror(error)))"
    }
}

/// One worker's way into a pool: collects the sessions of a turn of its loop and queues them at once.
///
/// Used by its worker's thread only.
@safe
package final class PoolFeeder {
    package let pool: ApplicationPool
    private var sessions = SessionQueue()
    /// Idle sessions, the last used first; kept here so that workers do not meet in the common store.
    private var idle = SessionList()

    private static let idleLimit = 256

    package init(_ pool: ApplicationPool) {
        self.pool = pool
    }

    deinit {
        while let session = unsafe idle.pop() { unsafe session._withUnsafeGuaranteedRef { $0.giveBack() } }
    }

    /// An idle session.
    func takeSession() -> ExtensionSession {
        guard let session = unsafe idle.pop() else { return ExtensionSession.take() }
        return unsafe session.takeUnretainedValue()
    }

    /// As `ExtensionSession.release`, keeping the session for this worker's next request.
    func release(_ session: ExtensionSession) {
        guard session.detach() else { return }
        if idle.count < Self.idleLimit {
            unsafe idle.push(.passUnretained(session))
        } else {
            session.giveBack()
        }
    }

    package var isEmpty: Bool { sessions.count == 0 }

    /// Adds a session that was begun; false when the pool's queue is full, and the session is to be withdrawn.
    @inline(__always)
    package func add(_ session: ExtensionSession) -> Bool {
        guard pool.admit() else { return false }
        unsafe sessions.append(Unmanaged.passUnretained(session))
        return true
    }

    /// Hands over what was added since the last call; the worker does this at the end of each turn.
    @inline(__always)
    package func flush() {
        guard !isEmpty else { return }
        pool.enqueue(&sessions)
    }
}

/// Sessions in the order they came, linked through themselves.
@safe
struct SessionQueue: ~Copyable {
    private var first = unsafe Unmanaged<ExtensionSession>?.none
    private var last = unsafe Unmanaged<ExtensionSession>?.none
    private(set) var count = 0

    mutating func append(_ session: Unmanaged<ExtensionSession>) {
        unsafe session._withUnsafeGuaranteedRef { unsafe $0.next = nil }
        if let last = unsafe last {
            unsafe last._withUnsafeGuaranteedRef { unsafe $0.next = session }
        } else {
            unsafe first = session
        }
        unsafe last = session
        count += 1
    }

    /// Moves all of `other` behind what is here.
    mutating func append(_ other: inout SessionQueue) {
        guard let otherFirst = unsafe other.first else { return }
        if let last = unsafe last {
            unsafe last._withUnsafeGuaranteedRef { unsafe $0.next = otherFirst }
        } else {
            unsafe first = otherFirst
        }
        unsafe last = other.last
        count += other.count
        unsafe other.first = nil
        unsafe other.last = nil
        other.count = 0
    }

    mutating func popFirst() -> Unmanaged<ExtensionSession>? {
        guard let session = unsafe first else { return nil }
        unsafe session._withUnsafeGuaranteedRef { session in
            unsafe first = session.next
            unsafe session.next = nil
        }
        if unsafe first == nil { unsafe last = nil }
        count -= 1
        return unsafe session
    }
}
