import CLinux
import Glibc

/// Reads parts of files into the system's memory on threads of its own, because a disk would keep a worker from all
/// its connections.
package enum PageLoader {
    private static let threads = SideThreads("file pages", width: 16, limit: 4096)
    private static let pieceSize = 128 << 10

    /// Reads `count` bytes from `offset`, as far as the file reaches, then signals the endpoint.
    ///
    /// The descriptor may be closed meanwhile.
    package static func load(_ descriptor: Int32, from offset: UInt64, count: Int, signalling endpoint: Endpoint) {
        let file = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard file >= 0 else { return endpoint.signal() }
        let isTaken = threads.run {
            read(file, from: offset, count: count)
            close(file)
            endpoint.signal()
        }
        if !isTaken {
            // The caller tries again until its time is over.
            close(file)
            endpoint.signal()
        }
    }

    private static func read(_ file: Int32, from offset: UInt64, count: Int) {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 16)
        defer { unsafe scratch.deallocate() }
        var done = 0
        while done < count {
            let got = unsafe pread(file, scratch.baseAddress, scratch.count, off_t(offset) + off_t(done))
            guard got > 0 else { return }
            done += got
        }
    }
}
