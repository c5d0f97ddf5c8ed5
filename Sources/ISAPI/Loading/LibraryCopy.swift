import CLinux
import Glibc
import Synchronization
import Transport

/// A private copy of a shared library, in memory: its file may be overwritten or removed while it runs.
///
/// The dynamic linker identifies a library by its path, and the path of this copy contains its descriptor; the
/// descriptor therefore stays open as long as the library is loaded.
final class LibraryCopy: Sendable {
    let file: OpenFile

    /// Copies of libraries that stay in the process, whose paths must not be reused for another copy.
    private static let resident = Mutex<[OpenFile]>([])

    /// Bytes of a name that memfd_create(2) accepts, with space for prefixes that tools add; the name is for tools
    /// only.
    private static let nameLimit = 200

    /// The path to load.
    var path: String { "/proc/self/fd/\(file.number)" }

    init(of path: String) throws(SystemCallError) {
        let source = Descriptor(opening: path, O_RDONLY)
        guard source.isOpen else { throw SystemCallError("open") }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        file = OpenFile(
            adopting: unsafe CLinux_memfd_create_sealable(
                String(decoding: name.utf8.prefix(Self.nameLimit), as: UTF8.self)))
        guard file.isOpen else { throw SystemCallError("memfd_create") }
        while true {
            let count = CLinux_sendfile(file.number, source.number, 1 << 30)
            if count == 0 { break }
            if count < 0 && errno != EINTR { throw SystemCallError("read") }
        }
        // A process that runs it cannot change what others load.
        guard CLinux_seal(file.number) == 0 else { throw SystemCallError("F_ADD_SEALS") }
    }

    deinit {
        // Some libraries stay in the process: dlopen would mistake another copy under the same path for them.
        guard let library = unsafe dlopen(path, RTLD_LAZY | RTLD_NOLOAD) else { return }
        unsafe dlclose(library)
        Self.resident.withLock { [file] in $0.append(file) }
    }
}

/// A system call that failed, and why.
struct SystemCallError: Error, Equatable, CustomStringConvertible {
    let call: String
    let code: Int32

    init(_ call: String) {
        self.call = call
        code = errno
    }

    var description: String {
        "\(call): \(systemText(code))"
    }
}
