import Glibc

/// A failure of a system call, by its error number.
package struct FileFailure: Error, Equatable {
    package let number: Int32
    package var message: String { systemText(number) }
    /// Of the system call that failed last on this thread.
    init() { number = errno }
}

/// Files that keep state: they are read whole, and replaced as a whole.
package enum StoredFile {
    /// Writes a file beside `path`, has the disk take it, and gives it the name: whatever happens, the old content or the
    /// new one is there.
    package static func replace(_ path: String, with content: [UInt8], mode: mode_t) throws(FileFailure) {
        let temporary = path + temporarySuffix
        try remove(temporary)
        do throws(FileFailure) {
            let file = Descriptor(opening: temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
            guard file.isOpen else { throw FileFailure() }
            try writeAll(content[...], to: file.number)
            guard fsync(file.number) == 0 else { throw FileFailure() }
            try rename(temporary, to: path)
        } catch {
            try? remove(temporary)
            throw error
        }
        try sync(folderOf: path)
    }

    /// What names of files end with that are being written.
    package static let temporarySuffix = ".new"

    package static func rename(_ path: String, to target: String) throws(FileFailure) {
        guard unsafe Glibc.rename(path, target) == 0 else { throw FileFailure() }
    }

    /// Without an error if there is none.
    package static func remove(_ path: String) throws(FileFailure) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileFailure() }
    }

    /// Has the disk take the names of a folder.
    package static func sync(folderOf path: String) throws(FileFailure) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let opened = Descriptor(opening: folder, O_RDONLY | O_DIRECTORY)
        guard opened.isOpen, fsync(opened.number) == 0 else { throw FileFailure() }
    }

    /// Makes a folder for this account only, and the folders above it, which everybody may enter; without an error for
    /// those that are there.
    package static func makeFolders(_ path: String) throws(FileFailure) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            try makeFolder(made, mode: made == path ? 0o700 : 0o755)
        }
    }

    /// Without an error if it is there.
    package static func makeFolder(_ path: String, mode: mode_t = 0o700) throws(FileFailure) {
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else { throw FileFailure() }
    }
}

/// Writes all bytes to an open file, at its position.
package func writeAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) throws(FileFailure) {
    var rest = bytes
    while !rest.isEmpty {
        let count = rest.withBytes { bytes in unsafe write(descriptor, bytes.baseAddress, bytes.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw FileFailure() }
        rest = rest.dropFirst(count)
    }
}

extension OpenFile {
    /// Device and inode.
    package var identity: [UInt64]? {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { return nil }
        return [UInt64(status.st_dev), UInt64(status.st_ino)]
    }
}
