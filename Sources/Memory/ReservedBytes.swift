import Glibc

/// Address space for bytes, whose pages take memory once they are written, and give it back when they are discarded.
///
/// For buffers that may grow to much in rare moments: memory of the allocator would stay with the process afterwards.
@safe
package struct ReservedBytes: ~Copyable, @unchecked Sendable {
    /// Valid as long as the value exists; zero where nothing was written.
    package let room: MutableByteView

    /// Nil if there is no address space.
    package init?(count: Int) {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let start = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard unsafe start != MAP_FAILED else { return nil }
        room = unsafe MutableByteView(start: start, count: count)
    }

    deinit { unsafe munmap(room.baseAddress, room.count) }

    /// Gives the memory of what was written behind `start` back, up to `end`; the bytes are zero then.
    ///
    /// - Parameter start: a multiple of 64 KiB, and so of a page.
    package func discard(from start: Int, to end: Int) {
        precondition(start % (64 << 10) == 0, "whole pages are discarded")
        let part = room[start..<end]
        unsafe madvise(part.baseAddress, part.count, MADV_DONTNEED)
    }
}
