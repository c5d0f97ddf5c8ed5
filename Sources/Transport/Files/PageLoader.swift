import CLinux
import Glibc
import Memory

/// Reads parts of files into the page cache on separate threads, because disk reads would block a worker and all its
/// connections.
package enum PageLoader {
    private static let threads = SideThreads("file pages", width: 16, limit: 4096)
    private static let pieceSize = 128 << 10

    /// Reads `count` bytes from `offset`, up to the end of the file, then signals the endpoint.
    package static func load(_ file: OpenFile, from offset: UInt64, count: Int, signalling endpoint: WaitingEndpoint) {
        let isTaken = threads.run {
            read(file, from: offset, count: count)
            endpoint.signal()
        }
        // The caller retries until its timeout.
        if !isTaken { endpoint.signal() }
    }

    private static func read(_ file: OpenFile, from offset: UInt64, count: Int) {
        let scratch = OwnedBytes(count: pieceSize)
        var done = 0
        while done < count {
            let got = file.use {
                unsafe pread($0, scratch.room.baseAddress, scratch.count, off_t(offset) + off_t(done))
            }
            guard got > 0 else { return }
            done += got
        }
    }
}
