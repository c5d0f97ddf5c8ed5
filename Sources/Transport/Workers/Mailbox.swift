import CLinux
import Glibc
import Synchronization

/// What other threads have queued for a worker, and the eventfd(2) that wakes its loop.
@safe
struct Mailbox: ~Copyable {
    /// The arrays are swapped, not copied.
    @safe
    struct Mail {
        var jobs: [UnownedJob] = []
        /// Each is retained until its signal has been delivered.
        var signals: [Unmanaged<WaitingEndpoint>] = unsafe []
        var actions: [@Sendable (Worker) -> Void] = []

        mutating func removeAll() {
            jobs.removeAll(keepingCapacity: true)
            unsafe signals.removeAll(keepingCapacity: true)
            actions.removeAll(keepingCapacity: true)
        }
    }

    private let inbox = Mutex(Mail())
    private let hasMailFlag = Atomic(false)
    private let isSleeping = Atomic(false)
    private let bell = Descriptor(adopting: CLinux_eventfd())

    var isOpen: Bool { bell.isOpen }
    /// The descriptor that becomes readable when there is mail for a loop that sleeps.
    var descriptor: Int32 { bell.number }

    // MARK: By the loop

    /// Whether there is mail; the loop is then not to sleep.
    var hasMail: Bool { hasMailFlag.load(ordering: .sequentiallyConsistent) }
    /// As `hasMail`, for mail that may also be read in the next turn.
    @inline(__always)
    var mayHaveMail: Bool { hasMailFlag.load(ordering: .acquiring) }

    func beginSleep() { isSleeping.store(true, ordering: .sequentiallyConsistent) }
    func endSleep() { isSleeping.store(false, ordering: .relaxed) }

    /// Exchanges the mail for `emptied`.
    func take(into emptied: inout Mail) {
        hasMailFlag.store(false, ordering: .sequentiallyConsistent)
        inbox.withLock { swap(&$0, &emptied) }
    }

    /// Makes the descriptor unreadable again.
    func silence() {
        var count: UInt64 = 0
        _ = unsafe read(bell.number, &count, 8)
    }

    // MARK: By other threads

    @inline(__always)
    func post(_ deposit: (inout sending Mail) -> Void) {
        inbox.withLock { deposit(&$0) }
        hasMailFlag.store(true, ordering: .sequentiallyConsistent)
        if isSleeping.exchange(false, ordering: .sequentiallyConsistent) { ring() }
    }

    private func ring() {
        var one: UInt64 = 1
        _ = unsafe write(bell.number, &one, 8)
    }
}
