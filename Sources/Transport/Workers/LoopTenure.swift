import CLinux
import Glibc
import Memory
import Synchronization

/// Determines which thread runs a worker's loop.
///
/// The thread that runs the loop may lend the loop while it runs work of unknown length that does not use the worker. A
/// second thread, the relief, checks the progress at intervals. If the work takes too long, the relief takes over the
/// loop, and the thread that returns late becomes the relief. Work that finishes in time costs two atomic operations
/// and no system call.
@safe
final class LoopTenure: @unchecked Sendable {
    /// Even while the loop runs, odd while it is lent; it is incremented with every change, and reliefs sleep on it.
    private let word: Stored<Atomic<UInt32>>
    private let isReliefAsleep = Atomic(false)
    private let isRelieved = Atomic(false)
    private let hasEnded = Atomic(false)
    /// The kernel's thread ID of the thread that runs the loop.
    private let thread = Atomic<Int32>(0)

    /// Microseconds between the checks of the relief; work that blocks delays the loop for one or two intervals.
    private static let interval: UInt32 = 1000
    /// The interval after all work has finished in time for a while: each check interrupts a processor.
    private static let calmInterval: UInt32 = 4000
    /// The number of checks after which that longer interval applies, about a second.
    private static let looksUntilCalm = 1000
    /// The maximum time, in microseconds, for which work that computes, or was preempted by other threads, delays the
    /// loop.
    private static let patience: UInt32 = 8000
    /// The number of checks without any lending after which the relief sleeps until the loop is lent again.
    private static let quietLooks = 100

    init() {
        word = .allocate(Atomic(0))
    }

    deinit {
        unsafe word.uncheckedDeallocate()
    }

    // MARK: The thread that runs the loop

    /// Makes the calling thread the one that runs the loop.
    func begin() {
        thread.store(CLinux_thread_id(), ordering: .relaxed)
    }

    /// Whether a relief is ready to take over.
    var canLend: Bool { isRelieved.load(ordering: .relaxed) }

    /// Runs `work` while the loop is lent; false if another thread runs the loop afterwards.
    @inline(__always)
    func lend(_ work: () -> Void) -> Bool {
        let lent = word.value.load(ordering: .relaxed) &+ 1
        word.value.store(lent, ordering: .sequentiallyConsistent)
        if isReliefAsleep.load(ordering: .sequentiallyConsistent) { wakeRelief() }
        work()
        return word.value.compareExchange(
            expected: lent, desired: lent &+ 1, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// The loop has ended; the reliefs return.
    func end() {
        hasEnded.store(true, ordering: .sequentiallyConsistent)
        word.value.add(2, ordering: .sequentiallyConsistent)
        wakeRelief()
    }

    @inline(never)
    private func wakeRelief() {
        isReliefAsleep.store(false, ordering: .relaxed)
        _ = unsafe CLinux_futex_wake(word.pointer, Int32.max)
    }

    // MARK: The relief

    /// Waits until the loop has to be taken over; false if it has ended instead.
    func standBy() -> Bool {
        isRelieved.store(true, ordering: .relaxed)
        defer { isRelieved.store(false, ordering: .relaxed) }
        var seen = word.value.load(ordering: .acquiring)
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
            let current = word.value.load(ordering: .acquiring)
            unchanged = current == seen ? unchanged + 1 : 0
            seen = current
            guard seen & 1 == 1, unchanged > 0 else { continue }
            guard UInt32(unchanged) * interval >= Self.patience || !isBorrowerRunnable else { continue }
            let taken = word.value.compareExchange(
                expected: seen, desired: seen &+ 1, ordering: .acquiringAndReleasing)
            if taken.exchanged { return true }
        }
        return false
    }

    /// Sleeps until the loop is lent.
    private func sleep(until seen: UInt32) {
        isReliefAsleep.store(true, ordering: .sequentiallyConsistent)
        if !hasEnded.load(ordering: .sequentiallyConsistent) { _ = unsafe CLinux_futex_wait(word.pointer, seen, -1) }
        isReliefAsleep.store(false, ordering: .relaxed)
    }

    /// Whether the thread that has the loop is running or runnable, and not blocked (proc_pid_stat(5)).
    private var isBorrowerRunnable: Bool {
        let path = "/proc/self/task/\(thread.load(ordering: .relaxed))/stat"
        let file = Descriptor(opening: path, O_RDONLY)
        guard file.isOpen else { return false }
        return withTemporaryBytes(256) { text in
            let count = unsafe read(file.number, text.baseAddress, text.count)
            // The state is the second byte after the name, which ends with the last parenthesis.
            let name = text.prefix(max(0, count)).view.lastIndex(of: UInt8(ascii: ")"))
            guard let name, name + 2 < count else { return false }
            return text[name + 2] == UInt8(ascii: "R")
        }
    }
}
