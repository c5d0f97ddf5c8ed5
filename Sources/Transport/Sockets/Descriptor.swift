import CLinux
import Glibc

/// A file descriptor with a single owner: it is open as long as this value exists, and closed with it.
///
/// Every descriptor of the gateway belongs to one of these, or to an `OpenFile` if it is shared. Its number may only be
/// used within a call of `use`, or within the expression that reads `number`: a number that is stored elsewhere, or
/// kept across a suspension, may refer to another file by the time it is used. Debug builds check this for the whole
/// process: closing an owned descriptor other than through its owner terminates the process
/// (`CLinux_descriptor_opened`).
@safe
package struct Descriptor: ~Copyable, Sendable {
    /// -1 when there is no descriptor, or it has been closed: system calls then fail with EBADF.
    package private(set) var number: Int32

    /// Takes ownership of a descriptor that a system call returned; a negative number stands for none.
    package init(adopting number: Int32) {
        self.number = number
        if number >= 0 { CLinux_descriptor_opened(number) }
    }

    /// Opens a file; not open, with errno set, if that fails.
    package init(opening path: String, _ flags: Int32, mode: mode_t = 0) {
        self.init(adopting: unsafe open(path, flags | O_CLOEXEC, mode))
    }

    deinit {
        if number >= 0 { CLinux_descriptor_close(number) }
    }

    package var isOpen: Bool { number >= 0 }

    package mutating func close() {
        guard number >= 0 else { return }
        CLinux_descriptor_close(number)
        number = -1
    }

    /// Transfers ownership of the number to code outside the gateway, which closes it.
    package consuming func release() -> Int32 {
        let released = number
        if released >= 0 { CLinux_descriptor_released(released) }
        number = -1
        return released
    }

    /// A duplicate that refers to the same open file; not open, with errno set, if the system cannot create another
    /// descriptor.
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

/// A shared open file, socket or other descriptor; it is closed when the last reference is released.
@safe
package final class OpenFile: Sendable {
    /// For a system call in the same expression; -1 when there is none.
    package let number: Int32
    /// The object whose lifetime keeps the descriptor open, if the descriptor is not closed by this one.
    private let keeper: (any Sendable & AnyObject)?

    /// Takes ownership of a descriptor that a system call returned; a negative number stands for none.
    package init(adopting number: Int32) {
        self.number = number
        keeper = nil
        if number >= 0 { CLinux_descriptor_opened(number) }
    }

    package convenience init(_ descriptor: consuming Descriptor) {
        self.init(adopting: descriptor.release())
    }

    /// A descriptor that `keeper` closes when it is deallocated, and not before.
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

    /// A duplicate that refers to the same open file; not open, with errno set, if the system cannot create another
    /// descriptor.
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

/// A pipe (pipe(2)), whose ends are closed when the process executes another program.
package struct Pipe: ~Copyable {
    package let reading: Descriptor
    package var writing: Descriptor

    /// Nil, with errno, if the system cannot create it.
    package init?() {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return nil }
        reading = Descriptor(adopting: ends[0])
        writing = Descriptor(adopting: ends[1])
        setCloseOnExec(ends[0], true)
        setCloseOnExec(ends[1], true)
    }
}

/// Sets whether a descriptor is closed when the process executes another program.
package func setCloseOnExec(_ descriptor: Int32, _ isClosed: Bool) {
    _ = fcntl(descriptor, F_SETFD, isClosed ? FD_CLOEXEC : 0)
}

/// Makes reads and writes that would block fail with EAGAIN.
package func setNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}
