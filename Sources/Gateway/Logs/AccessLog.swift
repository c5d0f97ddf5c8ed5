import CLinux
import Glibc
import HTTP
import Transport

/// One line per response, collected during a turn of the loop and written at its end in one call.
///
/// One per worker; several write to the same file, which keeps lines whole because each write is appended atomically.
final class AccessLog: TurnEndAction {
    private let format: AccessLogConfiguration.Format
    private let file: AccessLogFile
    private unowned let worker: Worker
    private var lines: [UInt8] = []
    private var stamp = Timestamp(unixSeconds: 0)
    private var stampSeconds = Int64.min

    init(_ format: AccessLogConfiguration.Format, file: AccessLogFile, worker: Worker) {
        self.format = format
        self.file = file
        self.worker = worker
    }

    func record(_ exchange: Exchange) {
        append(AccessRecord(exchange, now: worker.now, isNamed: format == .json))
    }

    /// For a response that switches protocols: its line is written when the tunnel has ended.
    func recordAtEnd(_ exchange: Exchange) -> any SuccessionObserver {
        PendingRecord(
            AccessRecord(exchange, now: worker.now, isNamed: format == .json), began: exchange.began, log: self)
    }

    /// A line that waits for the end of a tunnel.
    private final class PendingRecord: SuccessionObserver {
        private var record: AccessRecord
        private let began: Deadline
        private let log: AccessLog

        init(_ record: AccessRecord, began: Deadline, log: AccessLog) {
            self.record = record
            self.began = began
            self.log = log
        }

        func ended(_ tally: SuccessionTally) {
            record.bytes = tally.toClient
            record.received = tally.fromClient
            record.milliseconds = log.worker.now.milliseconds - began.milliseconds
            log.append(record)
        }
    }

    private func append(_ record: AccessRecord) {
        if stampSeconds != worker.wallSeconds {
            stampSeconds = worker.wallSeconds
            stamp = Timestamp(unixSeconds: stampSeconds)
        }
        if lines.isEmpty { worker.atEndOfTurn(self) }
        switch format {
        case .combined: record.appendCombined(to: &lines, at: stamp)
        case .json: record.appendJSON(to: &lines, at: stamp)
        case .w3c: record.appendW3C(to: &lines, at: stamp)
        }
    }

    func turnEnded() {
        file.append(lines)
        lines.removeAll(keepingCapacity: true)
    }

    /// The directives a W3C extended log begins with.
    static func header(of format: AccessLogConfiguration.Format, at stamp: Timestamp) -> String {
        guard format == .w3c else { return "" }
        return """
            #Software: isagate
            #Version: 1.0
            #Date: \(stamp.date) \(stamp.clock)
            #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) \
            cs(Referer) sc-status sc-substatus sc-win32-status time-taken

            """
    }
}

/// The descriptor all workers append to.
final class AccessLogFile: Sendable {
    private let destination: AccessLogConfiguration.Destination
    private let format: AccessLogConfiguration.Format
    private let file: Descriptor

    /// - Throws: the system's error number.
    init(
        _ destination: AccessLogConfiguration.Destination, format: AccessLogConfiguration.Format
    ) throws(TransportFailure) {
        self.destination = destination
        self.format = format
        file = try Self.open(destination)
        appendHeader()
    }

    /// Continues in a new file of the same name, after the old one was renamed.
    ///
    /// The descriptor keeps its number, so that workers in the middle of a write are not affected.
    func reopen() throws(TransportFailure) {
        guard case .file = destination else { return }
        let fresh = try Self.open(destination)
        guard CLinux_dup3(fresh.number, file.number) >= 0 else { throw .system(errno) }
        appendHeader()
    }

    private static func open(_ destination: AccessLogConfiguration.Destination) throws(TransportFailure) -> Descriptor {
        let number =
            switch destination {
            case .file(let path): unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
            default: fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
            }
        guard number >= 0 else { throw .system(errno) }
        return Descriptor(adopting: number)
    }

    private func appendHeader() {
        guard lseek(file.number, 0, SEEK_END) <= 0 else { return }
        append(Array(AccessLog.header(of: format, at: .now()).utf8))
    }

    /// Appends whole lines; lines that a full disk does not accept are lost, which is better than blocking requests.
    func append(_ lines: [UInt8]) {
        guard !lines.isEmpty else { return }
        lines.withBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = unsafe write(file.number, bytes.baseAddress! + offset, bytes.count - offset)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                offset += count
            }
        }
    }
}
