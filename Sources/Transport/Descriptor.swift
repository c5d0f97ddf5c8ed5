import CLinux
import Glibc

/// A file descriptor with one owner: open as long as this value, and closed with it.
///
/// Every descriptor of the gateway belongs to one of these, or to an `OpenFile` where several hold it. A use of its
/// number lies within a call of `use`, or within the expression that reads `number`: a number that is stored elsewhere,
/// or carried over a suspension, may be that of another file by the time it is used. Debug builds check this for the
/// whole process: closing an owned descriptor other than through its owner ends it (`CLinux_descriptor_opened`).
@safe
package struct Descriptor: ~Copyable, Sendable {
    /// -1 when there is none, or none any more: whatever is asked of it then fails with EBADF.
    package private(set) var number: Int32

    /// Takes over a descriptor that a system call returned; a negative number stands for none.
    package init(adopting number: Int32) {
        self.number = number
        if number >= 0 { CLinux_descriptor_opened(number) }
    }

    deinit {
        if number >= 0 { CLinux_descriptor_close(number) }
    }

    package var isOpen: Bool { number >= 0 }

    /// Closes it now.
    package mutating func close() {
        guard number >= 0 else { return }
        CLinux_descriptor_close(number)
        number = -1
    }

    /// Hands the number to an owner that is none of ours, which closes it.
    package consuming func release() -> Int32 {
        let released = number
        if released >= 0 { CLinux_descriptor_released(released) }
        number = -1
        return released
    }

    /// Another descriptor of the same open file; not open, with errno, when the system has none left.
    package borrowing func duplicate() -> Descriptor {
        Descriptor(adopting: fcntl(number, F_DUPFD_CLOEXEC, 0))
    }

    /// Calls `body` with the number, which is open until it returns.
    @inline(__always)
    package borrowing func use<Result: ~Copyable, Failure: Error>(
        _ body: (Int32) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(number)
    }
}

/// An open file, socket or other descriptor that several may hold; it is closed when the last of them lets go.
@safe
package final class OpenFile: Sendable {
    /// For a system call in the same expression; -1 when there is none.
    package let number: Int32
    /// Whose life keeps the descriptor open, where it is not ours to close.
    private let keeper: (any Sendable & AnyObject)?

    /// Takes over a descriptor that a system call returned; a negative number stands for none.
    package init(adopting number: Int32) {
        self.number = number
        keeper = nil
        if number >= 0 { CLinux_descriptor_opened(number) }
    }

    package convenience init(_ descriptor: consuming Descriptor) {
        self.init(adopting: descriptor.release())
    }

    /// A descriptor that `keeper` closes at its own end, and not before.
    package init(_ number: Int32, keptOpenBy keeper: some Sendable & AnyObject) {
        self.number = number
        self.keeper = keeper
        CLinux_descriptor_kept(number, 1)
    }

    deinit {
        guard number >= 0 else { return }
        if keeper == nil { CLinux_descriptor_close(number) } else { CLinux_descriptor_kept(number, -1) }
    }

    package var isOpen: Bool { number >= 0 }

    /// Another descriptor of the same open file; not open, with errno, when the system has none left.
    package func duplicate() -> Descriptor {
        use { Descriptor(adopting: fcntl($0, F_DUPFD_CLOEXEC, 0)) }
    }

    /// Calls `body` with the number, which is open until it returns.
    @inline(__always)
    package func use<Result: ~Copyable, Failure: Error>(
        _ body: (Int32) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(number)
    }
}

/// Whether a descriptor is closed when the process executes another program.
package func setCloseOnExec(_ descriptor: Int32, _ isClosed: Bool) {
    _ = fcntl(descriptor, F_SETFD, isClosed ? FD_CLOEXEC : 0)
}

/// Makes reads and writes that would wait return EAGAIN.
package func setNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}
