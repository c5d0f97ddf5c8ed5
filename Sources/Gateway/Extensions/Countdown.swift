import Synchronization

/// Counts down from the number of workers and calls a function when the last has ended.
final class Countdown: Sendable {
    private let remaining = Atomic(0)
    private let whenDone: @Sendable () -> Void

    init(_ whenDone: @escaping @Sendable () -> Void) {
        self.whenDone = whenDone
    }

    func start(from count: Int) {
        remaining.store(count, ordering: .releasing)
    }

    func step() {
        if remaining.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { whenDone() }
    }
}
