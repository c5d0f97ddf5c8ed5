import CLinux
import Glibc
import Transport

/// The folder that files are served from: opens what lies beneath it, and nothing else.
///
/// The kernel resolves a path in one step and refuses one that leaves the folder by `..`, by an absolute link or by any
/// link while links are not followed (openat2(2), RESOLVE_BENEATH). Where there is no openat2, the path is walked name
/// by name without following links.
@safe
final class FileRoot {
    let path: String
    let followsLinks: Bool
    private var folder: Int32 = -1
    private var identity: (device: UInt64, inode: UInt64) = (0, 0)
    private var isWithoutOpenat2 = false

    init(_ path: String, followsLinks: Bool) {
        self.path = path
        self.followsLinks = followsLinks
    }

    deinit {
        if folder >= 0 { close(folder) }
    }

    /// Follows the path anew, in case that it leads to another folder by now: a release is often a link that is moved.
    func refresh() {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return forget() }
        let current = (device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        if folder >= 0, current == identity { return }
        forget()
        folder = unsafe CLinux_open_folder(path)
        identity = current
    }

    private func forget() {
        if folder >= 0 { close(folder) }
        folder = -1
    }

    /// Opens what a path leads to, without waiting when it is no file.
    ///
    /// - Parameter path: relative to the root, ended by NUL; "." is the root itself.
    func open(_ path: UnsafePointer<CChar>) throws(FileProblem) -> OpenedFile {
        if folder < 0 { refresh() }
        guard folder >= 0 else { throw .noRoot }
        let descriptor = unsafe try descriptor(of: path)
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let failure = FileProblem(errno: errno)
            close(descriptor)
            throw failure
        }
        return OpenedFile(descriptor: descriptor, status: status)
    }

    private func descriptor(of path: UnsafePointer<CChar>) throws(FileProblem) -> Int32 {
        if !isWithoutOpenat2 {
            // A rename at the same time can make the kernel unsure; it asks to be called again.
            for _ in 0..<4 {
                let descriptor = unsafe CLinux_open_beneath(folder, path, followsLinks ? 1 : 0)
                if descriptor >= 0 { return descriptor }
                guard errno == EAGAIN || errno == EINTR else { break }
            }
            guard errno == ENOSYS else { throw FileProblem(errno: errno) }
            isWithoutOpenat2 = true
        }
        return unsafe try walk(String(cString: path))
    }

    private func walk(_ path: String) throws(FileProblem) -> Int32 {
        let names = path.split(separator: "/")
        var current = folder
        defer { if current != folder { close(current) } }
        for name in names.dropLast() {
            guard name != ".." else { throw .outside }
            let next = unsafe CLinux_open_step(current, String(name))
            guard next >= 0 else { throw FileProblem(errno: errno) }
            if current != folder { close(current) }
            current = next
        }
        guard let last = names.last, last != ".." else { throw .outside }
        let descriptor = unsafe CLinux_open_last(current, String(last))
        guard descriptor >= 0 else { throw FileProblem(errno: errno) }
        return descriptor
    }
}

/// An open descriptor and what it leads to; whoever gets it closes it.
struct OpenedFile: BitwiseCopyable {
    let descriptor: Int32
    let isFolder: Bool
    let isRegular: Bool
    let version: FileVersion

    init(descriptor: Int32, status: stat) {
        self.descriptor = descriptor
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        isRegular = status.st_mode & S_IFMT == S_IFREG
        version = FileVersion(status)
    }
}

/// Why a path leads to nothing that can be served.
enum FileProblem: Error, Equatable {
    case absent
    /// The way leads out of the root, or over a link that is not followed.
    case outside
    case forbidden
    case noRoot
    /// A device, a socket or a pipe.
    case notAFile
    /// The system lacks what it takes to open a file now.
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

    /// For the log; nil for what clients get wrong every day.
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
