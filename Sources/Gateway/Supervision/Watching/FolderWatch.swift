import CLinux
import Glibc
import Transport

/// Reports changes of entries of folders (inotify(7)).
final class FolderWatch {
    private let source: OpenFile
    /// By inotify's number for the folder.
    private var names: [Int32: Set<String>] = [:]
    /// Folders that exist and cannot be watched, with the reason.
    private(set) var failures: [(folder: String, reason: SystemError)] = []

    private static let events =
        CLinux_IN_CREATE | CLinux_IN_CLOSE_WRITE | CLinux_IN_MOVED_TO | CLinux_IN_MOVED_FROM | CLinux_IN_DELETE
        | CLinux_IN_MOVE_SELF | CLinux_IN_DELETE_SELF | CLinux_IN_ONLYDIR

    init(_ entries: WatchedEntries) throws(SystemError) {
        source = OpenFile(adopting: CLinux_inotify())
        guard source.number >= 0 else { throw SystemError(number: errno) }
        for (folder, names) in entries.names {
            let number = unsafe inotify_add_watch(source.number, folder, Self.events)
            if number >= 0 {
                self.names[number, default: []].formUnion(names)
            } else if errno != ENOENT && errno != ENOTDIR {
                // A missing folder is noticed through its parent when it is created.
                failures.append((folder, SystemError(number: errno)))
            }
        }
    }

    var descriptor: Int32 { source.number }

    /// Reads the events since the last call; true when one of the entries may have changed.
    func hasChanged() -> Bool {
        var isChanged = false
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = SystemCalls.read(source.number, into: &buffer)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return isChanged }
            if isRelevant(buffer[..<count]) { isChanged = true }
        }
    }

    /// Whether one of the events that were read concerns a watched entry.
    private func isRelevant(_ events: ArraySlice<UInt8>) -> Bool {
        // wd, mask, cookie and len, of four bytes each, and then len bytes of a name padded with NULs.
        let headBytes = 16
        var rest = events
        while rest.count >= headBytes {
            let head = rest.withBytes { bytes in
                (
                    number: bytes.load(at: 0, as: Int32.self),
                    mask: bytes.load(at: 4, as: UInt32.self),
                    nameBytes: bytes.load(at: 12, as: UInt32.self)
                )
            }
            rest = rest.dropFirst(headBytes)
            let name = rest.prefix(Int(head.nameBytes)).prefix { $0 != 0 }
            rest = rest.dropFirst(Int(head.nameBytes))
            // Without a name the event concerns the folder itself, or events that were lost.
            if name.isEmpty { return true }
            if names[head.number]?.contains(String(decoding: name, as: UTF8.self)) == true { return true }
        }
        return false
    }
}

/// The target of a symbolic link, nil for anything else.
func readLink(_ path: String) -> String? {
    var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe target.withUnsafeMutableBytes {
        unsafe readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return count > 0 ? String(decoding: target.prefix(count), as: UTF8.self) : nil
}
