import CLinux
import Glibc
import Synchronization

/// A value that only the holder of its lock can reach.
@safe
struct Guarded<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    init(_ initial: consuming Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initial)
    }

    deinit {
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the value, alone. `body` neither blocks nor calls foreign code.
    @inline(__always)
    borrowing func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return unsafe body(&value.pointee)
    }
}

/// Something threads wait for: a count that moves each time there is news (futex(2)).
///
/// The count is read while holding the lock that guards the condition, so a change between unlocking and waiting
/// is never slept through.
@safe
final class WaitPoint: @unchecked Sendable {
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    var count: UInt32 { unsafe word.pointee.load(ordering: .acquiring) }

    /// Returns once the count differs from `seen`; may return early.
    func wait(past seen: UInt32) {
        _ = unsafe CLinux_futex_wait(word, seen, -1)
    }

    /// As `wait(past:)`; false once the deadline has passed.
    func wait(past seen: UInt32, until deadline: ContinuousClock.Instant) -> Bool {
        let (seconds, attoseconds) = (deadline - ContinuousClock.now).components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        guard nanoseconds > 0 else { return false }
        _ = unsafe CLinux_futex_wait(word, seen, nanoseconds)
        return true
    }

    /// Moves the count; `wake` then lets threads see it.
    func advance() {
        unsafe word.pointee.add(1, ordering: .releasing)
    }

    func wake(_ threads: Int) {
        _ = unsafe CLinux_futex_wake(word, Int32(clamping: threads))
    }
}
