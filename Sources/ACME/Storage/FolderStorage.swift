import CLinux
import FoundationEssentials
import Glibc
import TLS
import Transport

/// A folder of one machine: an entry is a file, the lock is one that the kernel drops when its holder ends in whatever
/// way (flock(2)).
///
///     lock                                the holder's number
///     programs                            empty; locked while a program is run
///     accounts/ISSUER.json                the account and its key
///     certificates/NAME.KEY.pem           what is served: the certificate's key, then its chain
///     certificates/NAME.KEY.json          when it is renewed, what failed, and the order in progress
///     budgets/ISSUER.json                 what was asked of the issuer lately
///     aside/                              entries that could not be used, with the time in their name
package final class FolderStorage: AcmeStorage, Sendable {
    package let place: String

    package static let folders = ["accounts", "certificates", "budgets", "aside"]
    private static let entryLimit = 1 << 20

    /// - Parameter place: an absolute path.
    package init(_ place: String) {
        self.place = place
    }

    /// Makes the folders, for this account only; those above, for everybody.
    package func prepare() throws(AcmeError) {
        try attempt("cannot be made", place) { () throws(FileFailure) in try StoredFile.makeFolders(place) }
        for folder in Self.folders {
            try attempt("cannot be made", folder) { () throws(FileFailure) in
                try StoredFile.makeFolder("\(place)/\(folder)")
            }
        }
    }

    package func lock() throws(AcmeError) -> StorageLock? {
        guard let file = try lockedFile("lock") else { return nil }
        let text = try read("lock") ?? []
        let number = (UInt64(String(decoding: text.prefix { $0 != 0x0A }, as: UTF8.self)) ?? 0) + 1
        try attempt("cannot be written", "lock") { () throws(FileFailure) in
            guard file.use({ ftruncate($0, 0) }) == 0 else { return }
            let text = Array("\(number)\n".utf8)
            try file.use { number throws(FileFailure) in try writeAll(text[...], to: number) }
        }
        return StorageLock(number: number, holder: file)
    }

    package func lockPrograms() throws(AcmeError) -> OpenFile? { try lockedFile("programs") }

    private func lockedFile(_ key: String) throws(AcmeError) -> OpenFile? {
        let file = OpenFile(Descriptor(opening: path(key), O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600))
        guard file.isOpen else { throw .local("\(place)/\(key) cannot be opened: \(systemText(errno))") }
        guard file.use({ flock($0, LOCK_EX | LOCK_NB) }) == 0 else {
            if errno == EWOULDBLOCK { return nil }
            throw .local("\(place)/\(key) cannot be locked: \(systemText(errno))")
        }
        return file
    }

    /// A lock file that was removed or replaced locks nobody out any more.
    private func check(_ lock: StorageLock) throws(AcmeError) {
        let named = OpenFile(Descriptor(opening: path("lock"), O_RDONLY | O_NOFOLLOW))
        guard let held = lock.holder as? OpenFile, named.isOpen, held.identity == named.identity else {
            throw .local("\(place)/lock is not the file that was locked; another gateway may use the folder")
        }
    }

    package func read(_ key: String) throws(AcmeError) -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path(key)) else { return nil }
        do throws(CertificateProblem) {
            return try CertificateFileSystem.read(path(key))
        } catch {
            throw .local(error.description)
        }
    }

    package func write(_ content: [UInt8], to key: String, _ lock: StorageLock) throws(AcmeError) {
        try check(lock)
        guard content.count <= Self.entryLimit else { throw .local("\(place)/\(key) would be too large") }
        try attempt("cannot be written", key) { () throws(FileFailure) in
            try StoredFile.replace(path(key), with: content, mode: 0o600)
        }
    }

    package func remove(_ key: String, _ lock: StorageLock) throws(AcmeError) {
        try check(lock)
        try attempt("cannot be removed", key) { () throws(FileFailure) in
            try StoredFile.remove(path(key))
            try StoredFile.sync(folderOf: path(key))
        }
    }

    package func keys(in folder: String) throws(AcmeError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path(folder))
                .filter { !$0.hasSuffix(StoredFile.temporarySuffix) }.sorted().map { "\(folder)/\($0)" }
        } catch {
            throw .local("\(place)/\(folder) cannot be listed")
        }
    }

    package func setAside(_ key: String, _ lock: StorageLock) throws(AcmeError) -> String {
        try check(lock)
        let name = key.split(separator: "/").last.map(String.init) ?? key
        let target = path("aside/\(Timestamp.now.description)-\(lock.number)-\(name)")
        try attempt("cannot be set aside", key) { () throws(FileFailure) in
            try StoredFile.rename(path(key), to: target)
            try StoredFile.sync(folderOf: target)
        }
        return target
    }

    private func path(_ key: String) -> String { "\(place)/\(key)" }

    private func attempt<Value>(
        _ what: String, _ key: String, _ body: () throws(FileFailure) -> Value
    ) throws(AcmeError) -> Value {
        do throws(FileFailure) {
            return try body()
        } catch {
            throw .local("\(key.hasPrefix("/") ? key : "\(place)/\(key)") \(what): \(error.message)")
        }
    }
}
