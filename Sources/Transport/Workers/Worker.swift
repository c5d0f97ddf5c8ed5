import CLinux
import Glibc
import Memory
import Synchronization

/// One event loop on one thread: an epoll instance, the deadlines of its connections, and the executor of their tasks.
///
/// A connection stays on the worker that accepted it, so its state needs no locks. Other threads reach a worker in
/// three ways only: `enqueue` (the Swift runtime resuming a task), `Endpoint.signal()`, and `perform(_:)`.
///
/// Code of unknown duration can run on the loop's own thread, which saves two thread switches: see `LoopBorrower`.
@safe
package final class Worker: TaskExecutor, @unchecked Sendable {
    package let index: Int
    /// The monotonic clock at the start of this turn of the loop.
    package private(set) var now: Deadline
    /// The same in nanoseconds.
    package private(set) var turnBegan: UInt64 = 0
    /// Seconds since 1970 at the start of this turn of the loop.
    package private(set) var wallSeconds: Int64
    /// The number of this worker's connections that have not ended.
    package var connectionCount: Int { connections.count }
    package private(set) var isDraining = false
    /// The turns of the loop since its start; from any thread.
    package var turns: UInt64 { turnCounter.count }
    /// Whether code from outside the gateway may have run on this thread since this was last set to false.
    package var hasRunForeignCode = true
    /// The files that are sent from memory; shared with other workers.
    package let mappings: FileMappings?
    /// The bytes being written to a stream, if they are from a mapping.
    var mappedPiece: MappedPiece?

    private let turnCounter = WorkerCounter()
    private let epoll: Descriptor
    private var ready = JobRing()
    private var timers: TimerWheel
    private var turnEndActions: [any TurnEndAction] = []
    private var batch = SendBatch()
    /// The bytes of a batch that sockets have not accepted.
    private var rests: [ObjectIdentifier: [UInt8]] = [:]
    private var borrowers: [any LoopBorrower] = []
    /// The last borrower of the loop.
    private var borrower: (any LoopBorrower)?
    private let tenure = LoopTenure()
    /// Tasks that have yielded to others until the next turn.
    private var yielding: [UnsafeContinuation<Void, Never>] = unsafe []
    private var connections = EndpointList()
    private var isStopping = false
    private var whenDrained: (() -> Void)?
    private var blocks = BlockPool()
    private var companions: [AnyObject] = []

    private let mailbox = Mailbox()
    private var mail = Mailbox.Mail()

    /// - Throws: `TransportFailure` when the kernel refuses an epoll instance or an eventfd.
    package init(index: Int, mappings: FileMappings? = nil) throws(TransportFailure) {
        self.index = index
        self.mappings = mappings
        now = SystemClock.monotonicNow()
        wallSeconds = SystemClock.wallNow()
        epoll = Descriptor(adopting: CLinux_epoll_create())
        timers = TimerWheel(now: now)
        guard epoll.isOpen, mailbox.isOpen,
            CLinux_epoll_add(epoll.number, mailbox.descriptor, CLinux_EPOLLIN, nil) == 0
        else {
            throw TransportFailure(errno: errno)
        }
    }

    // MARK: The loop

    /// Runs the loop on the calling thread until `stop()` was called and the last connection has ended.
    ///
    /// - Returns: whether the loop ended on this thread, and not on its relief.
    @discardableResult
    package func run() -> Bool {
        serve(standingBy: false)
    }

    /// Like `run()`, for a second thread, which waits to take over the loop.
    @discardableResult
    package func relieve() -> Bool {
        serve(standingBy: true)
    }

    private func serve(standingBy: Bool) -> Bool {
        var isStandingBy = standingBy
        while true {
            if isStandingBy, !tenure.standBy() { return false }
            unsafe CLinux_set_current_worker(Unmanaged.passUnretained(self).toOpaque())
            if isStandingBy {
                let borrower = borrower.take()
                borrower?.loopTaken()
            }
            tenure.begin()
            if runLoop() {
                tenure.end()
                return true
            }
            isStandingBy = true
        }
    }

    /// True at the end of the loop; false as soon as another thread runs the loop.
    private func runLoop() -> Bool {
        hasRunForeignCode = true
        let capacity = 512
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
        defer {
            unsafe events.deallocate()
            CLinux_set_current_worker(nil)
        }
        while !(isStopping && connectionCount == 0) {
            if isDraining, connectionCount == 0 { reportDrained() }
            let count = unsafe waitForEvents(events, capacity)
            turnBegan = SystemClock.monotonicNanoseconds()
            now = Deadline(milliseconds: turnBegan / 1_000_000)
            wallSeconds = SystemClock.wallNow()
            turnCounter.add()
            for index in 0..<max(0, Int(count)) {
                unsafe dispatch(events + index)
            }
            if mailbox.mayHaveMail { readMail() }
            if timers.nextExamination <= now { fireDeadlines() }
            resumeYielding()
            runJobs()
            endTurn()
            var lendings = 0
            repeat {
                guard lendLoop() else { return false }
                // The code that ran on the lent loop may have produced responses. They need not wait for further
                // events, and the code may be waiting for them to be sent.
                runJobs()
                endTurn()
                lendings += 1
            } while !borrowers.isEmpty && lendings < Self.lendingLimit
        }
        return true
    }

    private func waitForEvents(_ events: UnsafeMutablePointer<epoll_event>, _ capacity: Int) -> Int32 {
        mailbox.beginSleep()
        defer { mailbox.endSleep() }
        let isBusy = unsafe !ready.isEmpty || !yielding.isEmpty || !borrowers.isEmpty || !turnEndActions.isEmpty
        let hasWork = isBusy || mailbox.hasMail
        let timeout = hasWork ? 0 : timeoutToNextDeadline()
        return unsafe epoll_wait(epoll.number, events, Int32(capacity), timeout)
    }

    private func timeoutToNextDeadline() -> Int32 {
        let next = timers.nextExamination
        guard next != .never else { return -1 }
        let current = SystemClock.monotonicNow()
        return next <= current ? 0 : Int32(clamping: next.milliseconds - current.milliseconds)
    }

    @inline(__always)
    private func dispatch(_ event: UnsafeMutablePointer<epoll_event>) {
        let flags = unsafe CLinux_epoll_event_flags(event)
        guard let source = unsafe CLinux_epoll_event_data(event) else {
            return mailbox.silence()
        }
        unsafe Unmanaged<EventSource>.fromOpaque(source)._withUnsafeGuaranteedRef { $0.handle(flags) }
    }

    @inline(__always)
    private func runJobs() {
        let executor = unsafe asUnownedTaskExecutor()
        while let job = ready.popFirst() {
            unsafe job.runSynchronously(on: executor)
        }
    }

    private func resumeYielding() {
        guard unsafe !yielding.isEmpty else { return }
        let tasks = unsafe yielding
        unsafe yielding.removeAll()
        for index in unsafe tasks.indices { unsafe tasks[index].resume() }
    }

    private func endTurn() {
        sendBatch()
        guard !turnEndActions.isEmpty else { return }
        // An action may add others.
        var next = 0
        while next < turnEndActions.count {
            turnEndActions[next].turnEnded()
            next += 1
        }
        turnEndActions.removeAll(keepingCapacity: true)
    }

    /// False if another thread has taken over the loop meanwhile.
    private func lendLoop() -> Bool {
        while let next = borrowers.popLast() {
            borrower = next
            hasRunForeignCode = true
            guard next.borrowLoop(of: self) else { return false }
        }
        return true
    }

    private func fireDeadlines() {
        timers.advance(to: now) { $0.deadlinePassed() }
    }

    private func readMail() {
        mailbox.take(into: &mail)
        for job in mail.jobs { ready.append(job) }
        for index in unsafe mail.signals.indices {
            let endpoint = unsafe mail.signals[index]
            unsafe endpoint._withUnsafeGuaranteedRef { $0.signalArrived() }
            unsafe endpoint.release()
        }
        for action in mail.actions { action(self) }
        mail.removeAll()
    }

    // MARK: From other threads

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            ready.append(job)
        } else {
            mailbox.post { $0.jobs.append(job) }
        }
    }

    /// Runs `action` on this worker's thread, after the events of a turn.
    package func perform(_ action: @escaping @Sendable (Worker) -> Void) {
        mailbox.post { $0.actions.append(action) }
    }

    func deliverSignal(to endpoint: WaitingEndpoint) {
        let endpoint = unsafe Unmanaged.passRetained(endpoint)
        mailbox.post { unsafe $0.signals.append(endpoint) }
    }

    /// Whether the calling thread runs this worker's loop.
    package var isCurrent: Bool {
        unsafe CLinux_current_worker() == Unmanaged.passUnretained(self).toOpaque()
    }

    // MARK: Event sources, deadlines, ends of turns

    func watch(_ source: EventSource, descriptor: Int32, events: UInt32) -> Bool {
        unsafe CLinux_epoll_add(epoll.number, descriptor, events, Unmanaged.passUnretained(source).toOpaque()) == 0
    }

    func unwatch(descriptor: Int32) {
        _ = CLinux_epoll_remove(epoll.number, descriptor)
    }

    @inline(__always)
    func setDeadline(of endpoint: WaitingEndpoint, _ deadline: Deadline) {
        timers.set(endpoint, to: deadline)
    }

    func shortenDeadline(of endpoint: WaitingEndpoint, to deadline: Deadline) {
        timers.shorten(endpoint, to: deadline)
    }

    func removeDeadline(of endpoint: WaitingEndpoint) {
        timers.remove(endpoint)
    }

    /// Calls `action.turnEnded()` once, when the tasks of this turn have run; after the current action, if one runs.
    package func atEndOfTurn(_ action: any TurnEndAction) {
        turnEndActions.append(action)
    }

    /// Continues in the next turn, after pending events; for a task that could otherwise run indefinitely.
    package func nextTurn() async {
        await unsafe withUnsafeContinuation { unsafe yielding.append($0) }
    }

    /// Calls `borrower.borrowLoop` once, after the actions for the end of this turn.
    package func lendAtEndOfTurn(to borrower: any LoopBorrower) {
        borrowers.append(borrower)
    }

    /// Whether a second thread is ready to take over, so that `lend` may be called.
    package var canLend: Bool { tenure.canLend }

    /// Runs `work` on this thread as if it were a foreign one; only for `LoopBorrower.borrowLoop`.
    ///
    /// - Returns: false if the work took so long that another thread took over the loop: the caller must return false
    ///   at once, without using anything that belongs to this worker.
    @inline(__always)
    package func lend(_ work: () -> Void) -> Bool {
        CLinux_set_current_worker(nil)
        guard tenure.lend(work) else { return false }
        unsafe CLinux_set_current_worker(Unmanaged.passUnretained(self).toOpaque())
        return true
    }

    // MARK: Short sends

    func makeRoomInBatch() {
        if batch.isFull { batch.leave() }
    }

    /// Adds a send of at most `SendBatch.longestSend` bytes to those made at the end of this turn; the batch has room
    /// for it.
    func batch(_ send: ByteView, of endpoint: Endpoint) {
        batch.append(send, of: endpoint)
    }

    func sendBatch() {
        if !batch.isEmpty { batch.leave() }
    }

    func keepRest(_ bytes: ByteView, of endpoint: Endpoint) {
        rests[ObjectIdentifier(endpoint), default: []].append(contentsOf: bytes)
    }

    func takeRest(of endpoint: Endpoint) -> [UInt8] {
        rests.removeValue(forKey: ObjectIdentifier(endpoint)) ?? []
    }

    func opened(_ endpoint: Endpoint) { connections.add(endpoint) }

    func closed(_ endpoint: Endpoint) { connections.remove(endpoint) }

    // MARK: Buffers

    /// Lends a block of `blockSize` bytes, which goes back with `returnBlock`.
    package func rentBlock() -> MutableByteView { blocks.rent() }

    package func returnBlock(_ block: MutableByteView) { blocks.giveBack(block) }

    /// The single object of this type that another module keeps for all connections of this worker; created on first
    /// use.
    package func companion<Companion: AnyObject>(_ make: () -> Companion) -> Companion {
        if let companion = companions.lazy.compactMap({ $0 as? Companion }).first { return companion }
        let companion = make()
        companions.append(companion)
        return companion
    }

    /// Room for 80 KiB of plain text as TLS records.
    package static let blockSize = 96 << 10
    /// How often the loop is lent before connections are served.
    private static let lendingLimit = 2

    // MARK: Shutting down

    /// Notifies every waiting connection that it should not serve further requests.
    ///
    /// - Parameter drained: called once, on this worker's thread, when there is no connection any more.
    package func drain(_ drained: @escaping () -> Void = {}) {
        isDraining = true
        whenDrained = drained
        forEachConnection { $0.drainBegan() }
    }

    private func reportDrained() {
        let drained = whenDrained
        whenDrained = nil
        drained?()
    }

    /// Makes every wait of every connection end with `Wake.aborted`.
    package func abortConnections() {
        isDraining = true
        forEachConnection { $0.abort() }
    }

    /// Makes `run()` return once no connection is left.
    package func stop() {
        isStopping = true
    }

    private func forEachConnection(_ body: (Endpoint) -> Void) {
        var next = connections.head
        while let endpoint = next {
            next = connections.next(after: endpoint)
            body(endpoint)
        }
    }
}
