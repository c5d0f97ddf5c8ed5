import CLinux
import Glibc
import Transport

/// The folder that files are served from: opens files beneath it, and no others.
///
/// The kernel resolves a path in one step and refuses one that leaves the folder by `..`, by an absolute link, or by
/// any link if links are not followed (openat2(2), RESOLVE_BENEATH). Without openat2, the path is resolved name by name
/// without following links.
@safe
final class FileRoot {
    let path: String
    let followsLinks: Bool
    private var folder = Descriptor(adopting: -1)
    private var identity: (device: UInt64, inode: UInt64) = (0, 0)
    private var isWithoutOpenat2 = false

    init(_ path: String, followsLinks: Bool) {
        self.path = path
        self.followsLinks = followsLinks
    }

    /// Resolves the path again, in case it leads to another folder now: a release is often a link that is changed.
    func refresh() {
        guard let status = SystemCalls.status(of: path) else { return folder.close() }
        let current = (device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        if folder.isOpen, current == identity { return }
        folder = Descriptor(adopting: unsafe CLinux_open_folder(path))
        identity = current
    }

    /// Opens the file at a path, without blocking if it is not a regular file.
    ///
    /// - Parameter path: relative to the root, ended by NUL; "." is the root itself.
    func open(_ path: UnsafePointer<CChar>) throws(FileProblem) -> OpenedFile {
        if !folder.isOpen { refresh() }
        guard folder.isOpen else { throw .noRoot }
        let file = OpenFile(unsafe try descriptor(of: path))
        guard let status = SystemCalls.status(of: file.number) else { throw FileProblem(errno: errno) }
        return OpenedFile(file, status)
    }

    private func descriptor(of path: UnsafePointer<CChar>) throws(FileProblem) -> Descriptor {
        if !isWithoutOpenat2 {
            // With a concurrent rename the kernel may return EAGAIN; the call has to be repeated.
            for _ in 0..<4 {
                let number = unsafe CLinux_open_beneath(folder.number, path, followsLinks ? 1 : 0)
                if number >= 0 { return Descriptor(adopting: number) }
                guard errno == EAGAIN || errno == EINTR else { break }
            }
            guard errno == ENOSYS else { throw FileProblem(errno: errno) }
            isWithoutOpenat2 = true
        }
        return unsafe try walk(String(cString: path))
    }

    private func walk(_ path: String) throws(FileProblem) -> Descriptor {
        let names = path.split(separator: "/")
        guard let last = names.last, !names.contains("..") else { throw .outside }
        var reached = Descriptor(adopting: -1)
        for name in names.dropLast() {
            let from = reached.isOpen ? reached.number : folder.number
            reached = try Self.opened(unsafe CLinux_open_step(from, String(name)))
        }
        return try Self.opened(unsafe CLinux_open_last(reached.isOpen ? reached.number : folder.number, String(last)))
    }

    /// The result of a system call that opens.
    private static func opened(_ number: Int32) throws(FileProblem) -> Descriptor {
        guard number >= 0 else { throw FileProblem(errno: errno) }
        return Descriptor(adopting: number)
    }
}

/// An opened file or folder.
struct OpenedFile {
    let file: OpenFile
    let isFolder: Bool
    let isRegular: Bool
    let version: FileVersion

    init(_ file: OpenFile, _ status: stat) {
        self.file = file
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        isRegular = status.st_mode & S_IFMT == S_IFREG
        version = FileVersion(status)
    }
}

/// Why a path leads to nothing that can be served.
enum FileProblem: Error, Equatable {
    case absent
    /// The path leads out of the root, or over a link that is not followed.
    case outside
    case forbidden
    case noRoot
    /// A device, a socket or a pipe.
    case notAFile
    /// The system has no resources to open a file now.
    case exhausted
    case system(Int32)

    init(errno code: Int32) {
        switch code {
        case ENOENT, ENOTDIR, ENAMETOOLONG, EINVAL: self = .absent
        case EXDEV, ELOOP: self = .outside
        case EACCES, EPERM: self = .forbidden
        case EMFILE, ENFILE, ENOMEM: self = .exhausted
        case ENXIO, ENODEV: self = .notAFile
        default: self = .system(code)
        }
    }

    var status: Int {
        switch self {
        case .absent, .outside, .noRoot, .notAFile: 404
        case .forbidden: 403
        case .exhausted: 503
        case .system: 500
        }
    }

    /// For the log; nil for common mistakes of clients.
    var report: String? {
        switch self {
        case .absent: nil
        case .outside: "the path leads out of the root or over a link"
        case .forbidden: "not permitted to read"
        case .noRoot: "the root is not there"
        case .notAFile: "neither a file nor a folder"
        case .exhausted: "no descriptor or memory left"
        case .system(let code): systemText(code)
        }
    }
}
