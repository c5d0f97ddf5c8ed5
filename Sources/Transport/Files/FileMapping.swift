import CLinux
import Glibc
import Memory
import Synchronization

/// A whole file mapped from the page cache, which can be read without a system call and without a copy.
///
/// The file may be truncated meanwhile. Reads beyond its new end return zeros, so the reader must check
/// `MappedPiece.isIntact` before the bytes are sent.
@safe
package final class FileMapping: @unchecked Sendable {
    package let version: MappedVersion
    private let start: UnsafeRawPointer
    /// The identifier under which the range is watched.
    private let number: Int32
    private let total: MappedBytes
    /// Whether the system reports which pages are in memory; for a file of another owner it reports that all are.
    private let isOwn: Bool

    /// Nil if the system cannot map the file, or the limit of watched ranges is reached.
    init?(_ file: OpenFile, _ version: MappedVersion, counting total: MappedBytes) {
        let address = unsafe file.use { unsafe mmap(nil, version.size, PROT_READ, MAP_SHARED, $0, 0) }
        guard let address = unsafe address, unsafe address != UnsafeMutableRawPointer(bitPattern: -1) else {
            return nil
        }
        number = unsafe CLinux_watch_mapping(address, UInt(version.size))
        guard number >= 0 else {
            unsafe munmap(address, version.size)
            return nil
        }
        unsafe start = UnsafeRawPointer(address)
        self.version = version
        self.total = total
        isOwn = version.owner == geteuid()
        total.count.add(version.size, ordering: .relaxed)
    }

    deinit {
        CLinux_unwatch_mapping(number)
        unsafe munmap(UnsafeMutableRawPointer(mutating: start), version.size)
        total.count.subtract(version.size, ordering: .relaxed)
    }

    package var isBroken: Bool { CLinux_is_mapping_broken(number) != 0 }

    /// Whether the file is unchanged, and a read beyond its end would still be survived.
    package func isCurrent(_ file: OpenFile) -> Bool {
        !isBroken && CLinux_catches_bus_errors() != 0 && MappedVersion(of: file) == version
    }

    fileprivate func bytes(_ range: Range<Int>) -> ByteView {
        unsafe ByteView(start: start + range.lowerBound, count: range.count)
    }

    /// The start of the page after `end`; nil in the last page of the file.
    fileprivate func page(behind end: Int) -> Int? {
        let pageSize = Int(getpagesize())
        let page = (end + pageSize - 1) / pageSize * pageSize
        return page < version.size ? page : nil
    }

    /// Reads a byte, which detects whether the file still has it.
    fileprivate func touch(_ offset: Int) {
        unsafe CLinux_touch(start + offset)
    }

    fileprivate func isPresent(_ range: Range<Int>, _ file: OpenFile) -> Bool {
        if isOwn {
            let answer = unsafe CLinux_are_pages_present(start + range.lowerBound, UInt(range.count))
            if answer >= 0 { return answer > 0 }
        }
        return stride(from: range.lowerBound, to: range.upperBound, by: Self.readAhead).allSatisfy { offset in
            var byte: UInt8 = 0
            return file.use { unsafe CLinux_pread_nowait($0, &byte, 1, UInt64(offset)) } >= 0 || errno != EAGAIN
        }
    }

    /// The read-ahead of the system, in bytes: if one byte of such a range is in memory, the others usually are.
    private static let readAhead = 128 << 10
}

/// The total number of mapped bytes.
final class MappedBytes: Sendable {
    let count = Atomic(0)
}

/// What distinguishes one state of a file from all others.
package struct MappedVersion: Equatable, BitwiseCopyable, Sendable {
    let device: UInt64
    let inode: UInt64
    /// In bytes; at least one.
    let size: Int
    let owner: UInt32
    private let modified: Time
    private let changed: Time

    private struct Time: Equatable, BitwiseCopyable, Sendable {
        let seconds: Int
        let nanoseconds: Int

        init(_ time: timespec) {
            seconds = time.tv_sec
            nanoseconds = time.tv_nsec
        }
    }

    /// Nil for an empty file and for anything but a regular file.
    init?(of file: OpenFile) {
        var status = stat()
        guard file.use({ unsafe fstat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size > 0
        else {
            return nil
        }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        owner = status.st_uid
        modified = Time(status.st_mtim)
        changed = Time(status.st_ctim)
    }

    func isOfSameFile(as other: MappedVersion) -> Bool {
        inode == other.inode && device == other.device
    }
}

/// Bytes of a mapping that are about to be read.
@safe
package struct MappedPiece {
    package let mapping: FileMapping
    private let file: OpenFile
    private let range: Range<Int>

    package init(_ mapping: FileMapping, of file: OpenFile, _ range: Range<Int>) {
        self.mapping = mapping
        self.file = file
        self.range = range
    }

    package var bytes: ByteView { mapping.bytes(range) }

    /// Whether reading it does not wait for a disk, as far as the system can report.
    package var isPresent: Bool {
        let end = mapping.page(behind: range.upperBound).map { $0 + 1 } ?? range.upperBound
        return mapping.isPresent(range.lowerBound..<end, file)
    }

    /// Whether everything read from it so far was the file's bytes, and not zeros in their place.
    ///
    /// A file that ends within a page has zeros in the rest of it, and they can be read in place of the bytes that were
    /// there before; but then the next page is missing.
    package var isIntact: Bool {
        if let page = mapping.page(behind: range.upperBound) {
            mapping.touch(page)
            return !mapping.isBroken
        }
        return !mapping.isBroken && (MappedVersion(of: file)?.size ?? 0) >= range.upperBound
    }
}

extension Worker {
    /// Calls `write` with bytes of `piece`; what it makes of them may be sent while `mayLeave` is true.
    package func passing(_ piece: MappedPiece, _ write: (ByteView) -> IOResult) -> IOResult {
        mappedPiece = piece
        defer { mappedPiece = nil }
        return write(piece.bytes)
    }

    /// Whether the result of the bytes being written may be sent: false if they were not the file's bytes.
    @inline(__always)
    package var mayLeave: Bool { mappedPiece?.isIntact ?? true }
}
