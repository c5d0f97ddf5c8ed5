import CLinux
import Glibc
import Memory
import Synchronization

/// A value that is accessible only with its lock.
///
/// The lock is a futex(2) beside the value: locking and unlocking take one atomic operation each as long as there is no
/// contention, which is nearly always the case.
@safe
struct Guarded<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    /// A `LockState`, followed by the value. They are not a struct: ThreadSanitizer treats an access to a part of a
    /// struct as an access to all of it, and the lock word is accessed without the lock.
    private let lock: UnsafeMutablePointer<Atomic<UInt32>>

    private static var valueOffset: Int { max(MemoryLayout<Value>.alignment, MemoryLayout<Atomic<UInt32>>.stride) }

    private var value: UnsafeMutablePointer<Value> {
        @inline(__always)
        get { unsafe (UnsafeMutableRawPointer(lock) + Self.valueOffset).assumingMemoryBound(to: Value.self) }
    }

    init(_ initial: consuming Value) {
        let place = UnsafeMutableRawPointer.allocate(
            byteCount: Self.valueOffset + MemoryLayout<Value>.size, alignment: max(16, MemoryLayout<Value>.alignment))
        unsafe lock = place.initializeMemory(as: Atomic<UInt32>.self, to: Atomic(LockState.free))
        _ = unsafe (place + Self.valueOffset).initializeMemory(as: Value.self, to: initial)
    }

    deinit {
        unsafe value.deinitialize(count: 1)
        unsafe lock.deinitialize(count: 1)
        unsafe lock.deallocate()
    }

    /// Runs `body` with exclusive access to the value. `body` neither blocks nor calls foreign code.
    @inline(__always)
    borrowing func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        let isFree = unsafe lock.pointee.compareExchange(
            expected: LockState.free, desired: LockState.held, ordering: .acquiring
        ).exchanged
        if !isFree { lockContended() }
        defer {
            let state = unsafe lock.pointee.exchange(LockState.free, ordering: .releasing)
            if state == LockState.contended { wakeNext() }
        }
        return unsafe body(&value.pointee)
    }

    @inline(never)
    private borrowing func lockContended() {
        for _ in 0..<LockState.spins {
            let isFree = unsafe lock.pointee.compareExchange(
                expected: LockState.free, desired: LockState.held, ordering: .acquiring
            ).exchanged
            if isFree { return }
            CLinux_spin_pause()
        }
        while unsafe lock.pointee.exchange(LockState.contended, ordering: .acquiring) != LockState.free {
            _ = unsafe CLinux_futex_wait(lock, LockState.contended, -1)
        }
    }

    @inline(never)
    private borrowing func wakeNext() {
        _ = unsafe CLinux_futex_wake(lock, 1)
    }
}

/// The states of a lock made of a futex.
private enum LockState {
    static let free: UInt32 = 0
    static let held: UInt32 = 1
    /// Locked, and other threads sleep until it is free.
    static let contended: UInt32 = 2
    /// A lock is held for less than a microsecond, unless its thread was interrupted.
    static let spins = 40
}

/// A condition that threads wait for: a count that is incremented at each change (futex(2)).
///
/// The count is read with the lock that guards the condition, so that a change between unlocking and waiting is never
/// missed.
@safe
package final class WaitPoint: @unchecked Sendable {
    private let word: Stored<Atomic<UInt32>>

    package init() {
        word = .allocate(Atomic(0))
    }

    deinit {
        unsafe word.uncheckedDeallocate()
    }

    package var count: UInt32 { word.value.load(ordering: .acquiring) }

    /// Returns once the count differs from `seen`; may return early.
    package func wait(past seen: UInt32) {
        _ = unsafe CLinux_futex_wait(word.pointer, seen, -1)
    }

    /// As `wait(past:)`; false once the deadline has passed.
    package func wait(past seen: UInt32, until deadline: ContinuousClock.Instant) -> Bool {
        let (seconds, attoseconds) = (deadline - ContinuousClock.now).components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        guard nanoseconds > 0 else { return false }
        _ = unsafe CLinux_futex_wait(word.pointer, seen, nanoseconds)
        return true
    }

    /// Increments the count; `wake` then wakes the threads.
    package func advance() {
        word.value.add(1, ordering: .releasing)
    }

    package func wake(_ threads: Int) {
        _ = unsafe CLinux_futex_wake(word.pointer, Int32(clamping: threads))
    }
}
