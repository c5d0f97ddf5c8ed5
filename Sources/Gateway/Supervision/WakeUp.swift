import CLinux
import Glibc

/// Wakes a thread that polls, from any other thread (eventfd(2)).
final class WakeUp: Sendable {
    let descriptor = CLinux_eventfd()

    init() {
        precondition(descriptor >= 0, "an eventfd can be created")
    }

    deinit {
        close(descriptor)
    }

    func ring() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor, &one, 8)
    }

    /// Makes the descriptor unreadable until the next `ring`.
    func clear() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, 8)
    }
}
