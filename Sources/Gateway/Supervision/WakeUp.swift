import CLinux
import Glibc
import Transport

/// Wakes a thread that polls, from any other thread (eventfd(2)).
final class WakeUp: Sendable {
    private let event = Descriptor(adopting: CLinux_eventfd())

    init() {
        precondition(event.isOpen, "an eventfd can be created")
    }

    var descriptor: Int32 { event.number }

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
