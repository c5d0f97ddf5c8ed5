import ACME
import CLinux
import Glibc
import Transport

/// What the gateway writes itself, and who may have written it: certificates that are ordered, and servers that are
/// learned. They are in folders of the account that it gives root up for, so root does not trust what is in them.
struct StorageFolders {
    private let certificates: Set<String>
    private let servers: Set<String>
    /// Nil if this process is not root, or the gateway stays root.
    private let account: Account?

    init(_ configuration: Configuration) {
        certificates = Set(configuration.acme.map(\.storage))
        servers = Set(configuration.upstreams.compactMap { $0.etcd?.storage })
        account = geteuid() == 0 ? configuration.user : nil
    }

    /// Whose file `path` must be; nil if it is no file in these folders.
    ///
    /// A symbolic link there may lead to any file, which root would read, but not to one of this account that the account
    /// cannot read itself.
    func owner(of path: String) -> uid_t? {
        guard let account else { return nil }
        return certificates.union(servers).contains { path.hasPrefix($0 + "/") } ? account.user : nil
    }

    /// Makes the folders, as far as the gateway cannot do that itself.
    ///
    /// Root makes a folder, and gives it away, only where nobody but root could have put a symbolic link or a folder of
    /// its own. Whether the folders can be written is found out, and reported, by the part of the gateway that writes.
    func make() {
        guard let account else {
            for place in certificates { try? FolderStorage(place).prepare() }
            for place in servers { try? StoredFile.makeFolders(place) }
            return
        }
        for place in certificates { make(place, with: FolderStorage.folders, for: account) }
        for place in servers { make(place, with: [], for: account) }
    }

    private func make(_ place: String, with folders: [String], for account: Account) {
        guard Self.isRootsAlone(above: place), (try? StoredFile.makeFolders(place)) != nil,
            let opened = Self.rootsFolder(place)
        else { return }
        // Nobody else could have put anything there so far.
        for folder in folders {
            guard (try? StoredFile.makeFolder("\(place)/\(folder)")) != nil,
                let inner = Self.rootsFolder("\(place)/\(folder)")
            else { continue }
            _ = fchown(inner.number, account.user, account.group)
        }
        _ = fchown(opened.number, account.user, account.group)
    }

    /// Nil if it is another one's, or no folder.
    private static func rootsFolder(_ path: String) -> OpenFile? {
        let folder = OpenFile(Descriptor(opening: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        guard folder.isOpen, let status = SystemCalls.status(of: folder.number), isRoots(status) else { return nil }
        return folder
    }

    /// Whether nobody but root can change what the folders above a path are.
    static func isRootsAlone(above path: String) -> Bool {
        var folder = ""
        for part in [""] + path.split(separator: "/").dropLast().map(String.init) {
            folder += folder.hasSuffix("/") ? part : "/" + part
            guard let entry = SystemCalls.linkStatus(of: folder) else { return errno == ENOENT }
            guard entry.st_uid == 0, let status = SystemCalls.status(of: folder), isRoots(status) else { return false }
        }
        return true
    }

    /// In a folder with the sticky bit others make entries, and leave those of root as they are (unlink(2)).
    private static func isRoots(_ status: stat) -> Bool {
        status.st_uid == 0 && status.st_mode & S_IFMT == S_IFDIR
            && (status.st_mode & (S_IWGRP | S_IWOTH) == 0 || status.st_mode & S_ISVTX != 0)
    }
}
