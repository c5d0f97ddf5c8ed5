import CLinux
import Glibc
import Memory

/// Calls of the system with views of bytes in place of pointers. They return what the system does, and set `errno`.
package enum SystemCalls {
    @inline(__always)
    package static func read(_ descriptor: Int32, into bytes: MutableByteView) -> Int {
        unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
    }

    @inline(__always)
    package static func read(_ descriptor: Int32, into bytes: inout [UInt8]) -> Int {
        bytes.withMutableBytes { read(descriptor, into: $0) }
    }

    @inline(__always)
    package static func write(_ descriptor: Int32, _ bytes: ByteView) -> Int {
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    }

    /// To a socket, without SIGPIPE.
    @inline(__always)
    package static func send(_ socket: Int32, _ bytes: ByteView) -> Int {
        unsafe Glibc.send(socket, bytes.baseAddress, bytes.count, CLinux_MSG_NOSIGNAL)
    }

    /// What `path` leads to; nil with the reason in `errno`.
    package static func status(of path: String) -> stat? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status : nil
    }

    /// As `status(of:)`, but of a symbolic link itself.
    package static func linkStatus(of path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }

    package static func status(of descriptor: Int32) -> stat? {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? status : nil
    }
}
