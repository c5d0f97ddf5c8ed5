import Glibc

/// Identifies a version of a file: the source of its validators (RFC 9110 §8.8).
struct FileVersion: Equatable, BitwiseCopyable {
    var device: UInt64
    var inode: UInt64
    /// Bytes.
    var size: UInt64
    /// Since 1970.
    var modifiedSeconds: Int64
    var modifiedNanoseconds: Int64
    /// The time of the last change of the inode, which cannot be set: a different file may have all other values in
    /// common with one that was removed.
    private var changedSeconds: Int64 = 0
    private var changedNanoseconds: Int64 = 0

    init(size: UInt64, modifiedSeconds: Int64, modifiedNanoseconds: Int64 = 0, inode: UInt64 = 1, device: UInt64 = 1) {
        self.size = size
        self.modifiedSeconds = modifiedSeconds
        self.modifiedNanoseconds = modifiedNanoseconds
        self.inode = inode
        self.device = device
    }

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = UInt64(max(0, status.st_size))
        modifiedSeconds = Int64(status.st_mtim.tv_sec)
        modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
        changedSeconds = Int64(status.st_ctim.tv_sec)
        changedNanoseconds = Int64(status.st_ctim.tv_nsec)
    }

    /// A strong entity tag, quotes included (RFC 9110 §8.8.3), of time and size only: the same for the same file with
    /// the same time on every machine.
    var entityTag: String {
        var parts = [UInt64(bitPattern: modifiedSeconds), size]
        if modifiedNanoseconds != 0 { parts.append(UInt64(modifiedNanoseconds)) }
        return "\"" + parts.map { String($0, radix: 16) }.joined(separator: "-") + "\""
    }
}
