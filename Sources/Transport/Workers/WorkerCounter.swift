import Synchronization

/// A number that one worker counts up, and that any thread may read.
///
/// As only the worker writes, a plain load and a plain store are enough: nothing on the path of a request is shared.
@usableFromInline
package struct WorkerCounter: ~Copyable, Sendable {
    @usableFromInline let value = Atomic<UInt64>(0)

    package init() {}

    package var count: UInt64 { value.load(ordering: .relaxed) }

    /// On the worker's thread only.
    @inlinable @inline(__always)
    package func add(_ amount: UInt64 = 1) {
        value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
