import CLinux
import Glibc
import Transport

/// A private copy of a shared library, in memory: the file it came from may be overwritten or removed while it runs.
///
/// The dynamic linker knows a library by its path, and the path of this copy is its descriptor's; the descriptor
/// therefore stays open as long as the library is loaded.
final class LibraryCopy: Sendable {
    private let descriptor: Int32

    /// The path to load.
    var path: String { "/proc/self/fd/\(descriptor)" }

    init(of file: String) throws(SystemCallError) {
        let source = unsafe open(file, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw SystemCallError("open") }
        defer { close(source) }
        let name = file.split(separator: "/").last.map(String.init) ?? file
        descriptor = unsafe CLinux_memfd_create(name)
        guard descriptor >= 0 else { throw SystemCallError("memfd_create") }
        while true {
            let count = CLinux_sendfile(descriptor, source, 1 << 30)
            if count == 0 { return }
            if count < 0 && errno != EINTR {
                let error = SystemCallError("read")
                close(descriptor)
                throw error
            }
        }
    }

    deinit {
        // Some libraries stay in the process: what another copy got under this path would be taken for them.
        if let resident = unsafe dlopen(path, RTLD_LAZY | RTLD_NOLOAD) {
            unsafe dlclose(resident)
        } else {
            close(descriptor)
        }
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
