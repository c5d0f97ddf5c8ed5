import CLinux
import Glibc
import Transport

/// Reads the entries of a folder for its listing, away from the workers, because that may wait for a disk.
struct FolderReader: Sendable {
    let root: String
    let followsLinks: Bool
    let policy: FileNamePolicy
    /// Bytes that no path may have, besides control bytes: no URL can contain such names.
    let forbiddenBytes: [UInt8]

    /// Of a larger folder only this many are listed.
    static let maximumEntries = 10_000

    /// The entries of the folder that can be served, in no order; nil when it cannot be read.
    ///
    /// - Parameter name: relative to the root, empty for the root itself.
    func read(_ name: [UInt8]) -> FolderContent? {
        let root = FileRoot(root, followsLinks: followsLinks)
        let path = (name.isEmpty ? [UInt8(ascii: ".")] : name) + [0]
        let opened = unsafe path.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe try? root.open($0.baseAddress!) }
        }
        guard let opened, opened.isFolder else { return nil }
        // The stream closes its own descriptor.
        let listed = opened.file.duplicate().release()
        guard let folder = unsafe fdopendir(listed) else {
            _ = Descriptor(adopting: listed)
            return nil
        }
        defer { unsafe closedir(folder) }
        var entries: [FolderEntry] = []
        while let entry = unsafe readdir(folder) {
            guard entries.count < Self.maximumEntries else { return FolderContent(entries: entries, isCut: true) }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            let isServed = name.withBytes { policy.admits($0.bytes) }
            guard isServed, name != [46], name != [46, 46], isReachable(name) else { continue }
            if let entry = describe(name, in: opened.file, root, path.dropLast()) { entries.append(entry) }
        }
        return FolderContent(entries: entries, isCut: false)
    }

    private func isReachable(_ name: [UInt8]) -> Bool {
        !name.contains { $0 < 0x20 || $0 == 0x7F || forbiddenBytes.contains($0) }
    }

    private func describe(
        _ name: [UInt8], in folder: OpenFile, _ root: FileRoot, _ path: ArraySlice<UInt8>
    ) -> FolderEntry? {
        var status = stat()
        let found = unsafe (name + [0]).withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) {
                unsafe fstatat(folder.number, $0.baseAddress!, &status, AT_SYMLINK_NOFOLLOW)
            }
        }
        guard found == 0 else { return nil }
        if status.st_mode & S_IFMT == S_IFLNK {
            guard followsLinks else { return nil }
            let target = Array(path) + [UInt8(ascii: "/")] + name + [0]
            let opened = unsafe target.withUnsafeBufferPointer { bytes in
                unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe try? root.open($0.baseAddress!) }
            }
            guard let opened else { return nil }
            guard opened.isFolder || opened.isRegular else { return nil }
            return FolderEntry(name: name, isFolder: opened.isFolder, version: opened.version)
        }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        guard isFolder || status.st_mode & S_IFMT == S_IFREG else { return nil }
        return FolderEntry(name: name, isFolder: isFolder, version: FileVersion(status))
    }
}

struct FolderContent: Sendable {
    var entries: [FolderEntry]
    /// Whether there are more entries than were read.
    var isCut: Bool
}

struct FolderEntry: Sendable {
    var name: String
    /// The name in the encoding of a URL.
    var encodedName: String
    /// Whether `name` is complete; a name that is not UTF-8 is only in `encodedName`.
    var isText: Bool
    var isFolder: Bool
    /// Bytes.
    var size: UInt64
    /// Seconds since 1970.
    var modified: Int64

    init(name: [UInt8], isFolder: Bool, version: FileVersion) {
        self.name = String(decoding: name, as: UTF8.self)
        isText = self.name.utf8.elementsEqual(name)
        encodedName = name.withBytes { URLPath.encoded($0) }
        self.isFolder = isFolder
        size = version.size
        modified = version.modifiedSeconds
    }
}
