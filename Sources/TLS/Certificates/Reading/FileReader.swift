import Glibc
import Memory
import Transport

/// The source of the bytes of a file: the file system, or a process that may read what this one may not.
///
/// The argument is an absolute path; the error names it.
package typealias FileReader = @Sendable (String) throws(CertificateProblem) -> [UInt8]

/// Reads certificates and keys from the file system.
package enum CertificateFileSystem {
    /// A file of certificates has some kilobytes; a much larger one is a mistake that must not fill the memory.
    static let maximumBytes = 1 << 20

    /// A `FileReader`.
    @Sendable
    package static func read(_ path: String) throws(CertificateProblem) -> [UInt8] {
        let descriptor = Descriptor(opening: path, O_RDONLY | O_NONBLOCK)
        guard descriptor.isOpen else { throw failure(errno, path) }
        guard let status = SystemCalls.status(of: descriptor.number) else { throw failure(errno, path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw CertificateProblem(path, .unreadable("not a file")) }
        guard status.st_size <= maximumBytes else { throw failure(EFBIG, path) }
        // One byte more than expected detects the end without another call.
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
        var length = 0
        while length < bytes.count {
            let number = descriptor.number
            let count = bytes.withMutableBytes { bytes in
                let room = bytes[length...]
                return SystemCalls.read(number, into: room)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno, path) }
            if count == 0 { break }
            length += count
        }
        guard length < bytes.count else { throw CertificateProblem(path, .unreadable("it grew while it was read")) }
        bytes.removeLast(bytes.count - length)
        return bytes
    }

    private static func failure(_ number: Int32, _ path: String) -> CertificateProblem {
        let reason = systemText(number)
        guard let folder = obstacle(number, path) else { return CertificateProblem(path, .unreadable(reason)) }
        return CertificateProblem(path, .unreadable("\(reason) (folder \(folder))"))
    }

    /// The outermost folder on the path of the file that is missing or may not be entered.
    private static func obstacle(_ number: Int32, _ path: String) -> String? {
        guard number == EACCES || number == ENOENT else { return nil }
        var folder = ""
        for part in path.split(separator: "/").dropLast() {
            folder += "/" + part
            if unsafe access(folder, number == EACCES ? X_OK : F_OK) != 0 { return folder }
        }
        return nil
    }
}
