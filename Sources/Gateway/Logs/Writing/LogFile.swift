import CLinux
import Glibc
import Memory
import Transport

/// A file that lines are appended to, or the standard output.
final class LogFile: LogSink, @unchecked Sendable {
    /// The absolute path; nil for the standard output.
    private let path: String?
    /// The fields that directives announce at the beginning of a file; nil for a format without directives.
    private let directives: [LogField]?
    private let rotation: LogRotation?
    private let file: Descriptor
    /// The day of the last line, in days since 1970.
    private var day = 0
    /// Whether rotation has failed, and is not attempted again before the file is reopened.
    private var isStuck = false

    /// - Parameter path: nil for the standard output.
    /// - Throws: the system's error number.
    init(_ path: String?, directives: [LogField]?, rotation: LogRotation?) throws(TransportFailure) {
        self.path = path
        self.directives = directives
        self.rotation = rotation
        file = try Self.open(path)
        day = Self.day(of: status?.st_mtim.tv_sec ?? 0)
        // The fields may be others than those of earlier lines.
        appendDirectives()
    }

    private static func open(_ path: String?) throws(TransportFailure) -> Descriptor {
        let number =
            if let path {
                unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
            } else {
                fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
            }
        guard number >= 0 else { throw .system(errno) }
        return Descriptor(adopting: number)
    }

    /// The descriptor keeps its number.
    func reopen() throws(TransportFailure) {
        guard let path else { return }
        let fresh = try Self.open(path)
        guard CLinux_dup3(fresh.number, file.number) >= 0 else { throw .system(errno) }
        isStuck = false
        day = Self.day(of: status?.st_mtim.tv_sec ?? 0)
        if size == 0 { appendDirectives() }
    }

    private func appendDirectives() {
        guard let directives else { return }
        let stamp = Timestamp.now()
        let text = """
            #Software: isagate
            #Version: 1.0
            #Date: \(stamp.date) \(stamp.clock)
            #Fields: \(directives.map(\.w3cName).joined(separator: " "))

            """
        text.withBytes { bytes in
            var rest = bytes
            while !rest.isEmpty, let count = try? append(rest) { rest = rest.dropFirst(count) }
        }
    }

    func write(_ lines: ByteView) throws(TransportFailure) -> Int {
        guard let rotation, !isStuck else { return try append(lines) }
        let today = Self.day(of: time(nil))
        var fitting = Self.fitting(lines, in: rotation.size.map { $0 - size } ?? .max)
        if size > 0, fitting == 0 || rotation.isDaily && day != today {
            try rotate(rotation)
            fitting = Self.fitting(lines, in: rotation.size.map { $0 - size } ?? .max)
        }
        day = today
        // A line that is longer than a file may be has one for itself.
        return try append(fitting == 0 ? Self.firstLine(of: lines) : lines.prefix(fitting))
    }

    /// The number of bytes of whole lines that have space.
    private static func fitting(_ lines: ByteView, in space: Int) -> Int {
        guard lines.count > space else { return lines.count }
        var end = max(0, space)
        while end > 0, lines[end - 1] != UInt8(ascii: "\n") { end -= 1 }
        return end
    }

    private static func firstLine(of lines: ByteView) -> ByteView {
        lines.firstIndex(of: UInt8(ascii: "\n")).map { lines[..<($0 + 1)] } ?? lines
    }

    private func append(_ bytes: ByteView) throws(TransportFailure) -> Int {
        while true {
            let count = SystemCalls.write(file.number, bytes)
            if count > 0 { return count }
            guard count < 0, errno == EINTR else { throw .system(count < 0 ? errno : ENOSPC) }
        }
    }

    // MARK: Rotation

    /// Puts the file aside as `path.1`, the one before as `path.2` and so on, and continues in a new one.
    ///
    /// After an upgrade two processes write to the file: whichever is first rotates it.
    private func rotate(_ rotation: LogRotation) throws(TransportFailure) {
        guard let path else { return }
        if isCurrent(path) {
            for number in stride(from: rotation.keep - 1, to: 0, by: -1) {
                _ = unsafe rename("\(path).\(number)", "\(path).\(number + 1)")
            }
            if unsafe rename(path, "\(path).1") != 0 {
                isStuck = true
                throw .system(errno)
            }
        }
        do throws(TransportFailure) {
            try reopen()
        } catch {
            isStuck = true
            throw error
        }
    }

    /// Whether the path still names the file that is open.
    private func isCurrent(_ path: String) -> Bool {
        guard let named = SystemCalls.status(of: path), let status else { return false }
        return named.st_ino == status.st_ino && named.st_dev == status.st_dev
    }

    private var status: stat? { SystemCalls.status(of: file.number) }

    private var size: Int { Int(status?.st_size ?? 0) }

    private static func day(of seconds: Int) -> Int { seconds / 86_400 }
}
