import CLinux
import Glibc
import Synchronization

/// Which thread runs a worker's loop.
///
/// The thread that runs the loop may lend it out while it does something of unknown length that needs nothing of the
/// worker. A second thread, the relief, looks at the clock meanwhile: if the work takes too long it takes the loop
/// over, and the thread that comes back late is the relief from then on. Work that ends in time costs two atomic
/// operations and no system call.
@safe
final class LoopTenure: @unchecked Sendable {
    /// Even while the loop is run, odd while it is lent; moves with every change, and reliefs sleep on it.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>
    private let isReliefAsleep = Atomic(false)
    private let isRelieved = Atomic(false)
    private let hasEnded = Atomic(false)
    /// The kernel's number of the thread that runs the loop.
    private let thread = Atomic<Int32>(0)

    /// Microseconds between the relief's looks; work that blocks keeps the loop for one or two of them.
    private static let interval: UInt32 = 1000
    /// The same once all work has been over in time for a while: each look interrupts what a processor is doing.
    private static let calmInterval: UInt32 = 4000
    /// Looks after which such a while is over, about a second.
    private static let looksUntilCalm = 1000
    /// Microseconds that work which computes, or was interrupted by other threads, may keep the loop.
    private static let patience: UInt32 = 8000
    /// Looks without any lending after which the relief sleeps until there is some.
    private static let quietLooks = 100

    init() {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    // MARK: The thread that runs the loop

    /// The calling thread runs the loop from now on.
    func begin() {
        thread.store(CLinux_thread_id(), ordering: .relaxed)
    }

    /// Whether there is a thread to take over.
    var canLend: Bool { isRelieved.load(ordering: .relaxed) }

    /// Does `work` while the loop is lent; false when the loop is another thread's afterwards.
    @inline(__always)
    func lend(_ work: () -> Void) -> Bool {
        let lent = unsafe word.pointee.load(ordering: .relaxed) &+ 1
        unsafe word.pointee.store(lent, ordering: .sequentiallyConsistent)
        if isReliefAsleep.load(ordering: .sequentiallyConsistent) { wakeRelief() }
        work()
        return unsafe word.pointee.compareExchange(
            expected: lent, desired: lent &+ 1, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// The loop has ended; reliefs go home.
    func end() {
        hasEnded.store(true, ordering: .sequentiallyConsistent)
        unsafe word.pointee.add(2, ordering: .sequentiallyConsistent)
        wakeRelief()
    }

    @inline(never)
    private func wakeRelief() {
        isReliefAsleep.store(false, ordering: .relaxed)
        _ = unsafe CLinux_futex_wake(word, Int32.max)
    }

    // MARK: The relief

    /// Stands by until the loop has to be taken over; false when it has ended instead.
    func standBy() -> Bool {
        isRelieved.store(true, ordering: .relaxed)
        defer { isRelieved.store(false, ordering: .relaxed) }
        var seen = unsafe word.pointee.load(ordering: .acquiring)
        var unchanged = 0
        var looks = 0
        while !hasEnded.load(ordering: .sequentiallyConsistent) {
            if unchanged >= Self.quietLooks, seen & 1 == 0 {
                sleep(until: seen)
                unchanged = 0
            }
            let interval = looks < Self.looksUntilCalm ? Self.interval : Self.calmInterval
            usleep(interval)
            looks += 1
            let current = unsafe word.pointee.load(ordering: .acquiring)
            unchanged = current == seen ? unchanged + 1 : 0
            seen = current
            guard seen & 1 == 1, unchanged > 0 else { continue }
            guard UInt32(unchanged) * interval >= Self.patience || !isBorrowerRunnable else { continue }
            let taken = unsafe word.pointee.compareExchange(
                expected: seen, desired: seen &+ 1, ordering: .acquiringAndReleasing)
            if taken.exchanged { return true }
        }
        return false
    }

    /// Sleeps as long as nothing is lent.
    private func sleep(until seen: UInt32) {
        isReliefAsleep.store(true, ordering: .sequentiallyConsistent)
        if !hasEnded.load(ordering: .sequentiallyConsistent) { _ = unsafe CLinux_futex_wait(word, seen, -1) }
        isReliefAsleep.store(false, ordering: .relaxed)
    }

    /// Whether the thread that has the loop computes or waits for a processor only (proc_pid_stat(5)).
    private var isBorrowerRunnable: Bool {
        let path = "/proc/self/task/\(thread.load(ordering: .relaxed))/stat"
        let file = Descriptor(adopting: unsafe open(path, O_RDONLY | O_CLOEXEC))
        guard file.isOpen else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { text in
            let count = unsafe read(file.number, text.baseAddress, text.count)
            // The state is the second byte behind the name, which ends with the last parenthesis.
            let name = unsafe text.prefix(max(0, count)).lastIndex(of: UInt8(ascii: ")"))
            guard let name, name + 2 < count else { return false }
            return unsafe text[name + 2] == UInt8(ascii: "R")
        }
    }
}
