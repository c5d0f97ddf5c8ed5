import CLinux
import Memory
import Transport

/// Sessions that a worker has run together, one after the other, by a module that can (`ExtensionModule.batchLimit`).
///
/// The worker adds sessions, and one thread runs them, mostly the worker's own. When that takes long another thread
/// takes back those whose code has not been entered, so that they run elsewhere. Which thread has a session is decided
/// under one lock.
@safe
final class SessionBatch: @unchecked Sendable {
    struct Member {
        let session: Unretained<ExtensionSession>
        let block: ControlBlock
    }

    /// Where the members run: their numbers on a run channel of a process begin with `first`.
    struct Place {
        let memory: SharedPoolMemory
        let channel: Int
        let first: UInt32
    }

    /// Changed by the worker, and only as long as no other thread has the batch.
    private(set) var members: [Member] = []
    /// The microseconds that the code of each took that has returned.
    private(set) var durations: [UInt32] = []
    private let progress = Guarded(Progress())

    private struct Progress {
        /// The member that runs, and the end of those that are to run here.
        var next = 0, end = 0
        var place: Place?
    }

    // MARK: The worker

    /// Adds a queued session, if there is anything to run for it.
    func add(_ session: Unretained<ExtensionSession>) {
        guard let block = session.with({ $0.beginBatchedRun() }) else { return }
        members.append(Member(session: session, block: block))
        progress.withLock { $0.end += 1 }
    }

    /// Makes an empty batch of one whose run has ended.
    func clear() {
        members.removeAll(keepingCapacity: true)
        durations.removeAll(keepingCapacity: true)
        progress.withLock { $0 = Progress() }
    }

    /// As `ExtensionSession.endDeferral`; other threads than the worker's do not know those that were taken back.
    func endDeferral(onWorker: Bool) {
        let end = onWorker ? members.count : progress.withLock { $0.end }
        let now = CLinux_monotonic_ns()
        for index in 0..<end { members[index].session.with { $0.endDeferral(onWorker: onWorker, ended: now) } }
    }

    // MARK: The thread that runs it

    /// The member that has to run next, or runs; nil at the end.
    var current: Member? {
        let (next, end) = progress.withLock { ($0.next, $0.end) }
        return next < end ? members[next] : nil
    }

    /// The number of the current member.
    var position: UInt32 { progress.withLock { UInt32($0.next) } }

    /// The members run there from now on.
    ///
    /// - Parameter prepare: is called for each before it can be taken back.
    /// - Returns: how many there are.
    func open(at place: Place, _ prepare: (Member) -> Void) -> Int {
        progress.withLock { progress in
            progress.place = place
            for index in progress.next..<progress.end { prepare(members[index]) }
            place.memory.admit(
                place.channel, behind: place.first &- 1, through: place.first &+ UInt32(progress.end) &- 1)
            return progress.end
        }
    }

    /// The current member has ended, after these microseconds in its code.
    func advance(after duration: UInt32 = 0) {
        durations.append(duration)
        progress.withLock { $0.next += 1 }
    }

    // MARK: Taking back

    /// Takes back the members behind the first `kept` that have not been entered, except the current one.
    ///
    /// - Returns: the sessions, which are queued again, to be added to a pool's queue.
    func takeBack(behind kept: Int = 0) -> SessionQueue {
        let range = progress.withLock { progress in
            let end = progress.end
            var last = max(progress.next + 1, kept)
            if let place = progress.place, last < end {
                let admitted = place.memory.takeBack(place.channel, behind: place.first &+ UInt32(last) &- 1)
                last = max(last, Int(Int32(bitPattern: admitted &- place.first)) + 1)
            }
            progress.end = min(end, last)
            return progress.end..<end
        }
        return requeue(range)
    }

    /// Takes back all members that have not ended; only once none can be entered any more.
    func takeBackAll() -> SessionQueue {
        let range = progress.withLock { progress in
            let range = progress.next..<progress.end
            progress.end = progress.next
            return range
        }
        return requeue(range)
    }

    private func requeue(_ range: Range<Int>) -> SessionQueue {
        var queue = SessionQueue()
        for index in range {
            let session = members[index].session
            if session.with({ $0.requeue() }) { queue.append(session) }
        }
        return queue
    }
}
