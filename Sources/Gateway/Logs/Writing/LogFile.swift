import CLinux
import Glibc
import Memory
import Transport

/// A file that lines are appended to, or the standard output.
final class LogFile: LogSink, @unchecked Sendable {
    private let destination: AccessLogConfiguration.Destination
    /// The fields that directives announce at the beginning of a file; nil for a format without directives.
    private let directives: [LogField]?
    private let file: Descriptor

    /// - Throws: the system's error number.
    init(_ destination: AccessLogConfiguration.Destination, directives: [LogField]?) throws(TransportFailure) {
        self.destination = destination
        self.directives = directives
        file = try Self.open(destination)
        // The fields may be others than those of earlier lines.
        appendDirectives()
    }

    /// The descriptor keeps its number.
    func reopen() throws(TransportFailure) {
        guard case .file = destination else { return }
        let fresh = try Self.open(destination)
        guard CLinux_dup3(fresh.number, file.number) >= 0 else { throw .system(errno) }
        if lseek(file.number, 0, SEEK_END) == 0 { appendDirectives() }
    }

    private static func open(_ destination: AccessLogConfiguration.Destination) throws(TransportFailure) -> Descriptor {
        let number =
            switch destination {
            case .file(let path): unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
            case .standardOutput: fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
            }
        guard number >= 0 else { throw .system(errno) }
        return Descriptor(adopting: number)
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
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty, let count = try? append(rest) { rest = rest.dropFirst(count) }
    }

    func write(_ lines: ArraySlice<UInt8>) throws(TransportFailure) -> Int {
        try append(lines)
    }

    private func append(_ bytes: ArraySlice<UInt8>) throws(TransportFailure) -> Int {
        while true {
            let count = bytes.withBytes { unsafe Glibc.write(file.number, $0.baseAddress, $0.count) }
            if count > 0 { return count }
            guard count < 0, errno == EINTR else { throw .system(count < 0 ? errno : ENOSPC) }
        }
    }
}
