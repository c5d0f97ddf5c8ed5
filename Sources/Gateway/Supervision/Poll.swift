import Glibc
import Transport

/// The descriptors that a main thread waits for, collected again for each wait (poll(2)).
struct Poll {
    private var entries: [pollfd] = []

    /// Waits until the descriptor is readable, or its other end is closed.
    mutating func watch(_ descriptor: Int32) {
        entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
    }

    /// Waits until the descriptor is writable.
    mutating func watchForWriting(_ descriptor: Int32) {
        entries.append(pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0))
    }

    /// Returns when a descriptor is ready, the deadline has passed, or the wait was interrupted.
    mutating func wait(until deadline: Deadline) {
        let now = Deadline.current()
        let remaining = deadline <= now ? 0 : deadline.milliseconds - now.milliseconds
        let timeout = deadline == .never ? -1 : Int32(clamping: remaining)
        if unsafe poll(&entries, nfds_t(entries.count), timeout) < 0 {
            for index in entries.indices { entries[index].revents = 0 }
        }
    }

    func isReady(_ descriptor: Int32) -> Bool {
        entries.contains { $0.fd == descriptor && $0.revents != 0 }
    }
}
