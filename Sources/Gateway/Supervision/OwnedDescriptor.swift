import Glibc

/// A descriptor that is closed with its last owner.
final class OwnedDescriptor {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    /// Another descriptor of the same file or socket, which the caller closes.
    func duplicate() -> Int32 {
        fcntl(number, F_DUPFD_CLOEXEC, 0)
    }
}

/// Whether a descriptor is closed when the process executes another program.
func setCloseOnExec(_ descriptor: Int32, _ isClosed: Bool) {
    _ = fcntl(descriptor, F_SETFD, isClosed ? FD_CLOEXEC : 0)
}

/// Makes reads and writes that would wait return EAGAIN.
func setNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}
