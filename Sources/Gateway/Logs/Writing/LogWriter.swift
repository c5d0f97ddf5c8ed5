import Dispatch
import Glibc
import ISAPI
import Logging
import Memory
import Transport

/// The thread that writes the lines of one log, in batches.
///
/// A file that does not accept lines, because its disk is full or slow, delays nobody but this thread. Lines wait for
/// it up to a limit; those beyond are counted.
final class LogWriter: Sendable {
    private let queue: LogQueue

    /// - Parameters:
    ///   - name: the log's, for messages.
    ///   - limit: bytes of lines that may wait.
    /// - Throws: the system's error number where there is no memory.
    init(_ name: String, _ sink: any LogSink, limit: Int, logger: Logger) throws(TransportFailure) {
        let queue = try LogQueue(limit: limit)
        self.queue = queue
        let thread = WriterThread(name: name, sink: sink, queue: queue, logger: logger)
        if !NativeThread.start("log-writer", { thread.run() }) {
            logger.error("access log \(name): no thread could be started; its lines are lost")
        }
    }

    /// The thread writes what is left and ends.
    deinit {
        queue.end()
    }

    func append(_ lines: ByteView, count: Int) { queue.append(lines, count: count) }

    func reopen() { queue.reopen() }

    var counts: LogCounts { queue.counts }

    func end() { queue.end() }

    func waitForEnd(until deadline: DispatchTime) -> Bool { queue.waitForEnd(until: deadline) }
}

/// Where lines go; used by one thread only.
protocol LogSink: AnyObject, Sendable {
    /// Writes some or all of the lines.
    ///
    /// - Returns: the number of bytes that need not be given again.
    /// - Throws: the reason why nothing can be written now.
    func write(_ lines: ByteView) throws(TransportFailure) -> Int

    /// Continues in a new file of the same name, after the old one was renamed.
    func reopen() throws(TransportFailure)
}

private final class WriterThread: @unchecked Sendable {
    private let name: String
    private let sink: any LogSink
    private let queue: LogQueue
    private let logger: Logger
    /// Whether the last attempt to write has failed.
    private var isFailing = false
    private var reportedLosses = 0

    private static let retryInterval = DispatchTimeInterval.seconds(1)

    init(name: String, sink: any LogSink, queue: LogQueue, logger: Logger) {
        self.name = name
        self.sink = sink
        self.queue = queue
        self.logger = logger
    }

    func run() {
        var isEnding = false
        while !isEnding {
            let (lines, reopens, isLast) = queue.next()
            isEnding = isLast
            write(lines)
            if reopens { reopen() }
            reportLosses()
            queue.recycle(lines.count)
        }
        queue.noteEnd()
    }

    private func write(_ lines: ByteView) {
        var rest = lines
        while !rest.isEmpty {
            do throws(TransportFailure) {
                let count = try sink.write(rest)
                rest = rest.dropFirst(count)
                queue.noteWritten(count)
                noteSuccess()
            } catch {
                noteFailure(error)
                let state = queue.pause(Self.retryInterval)
                if state.reopens { reopen() }
                if state.isEnding {
                    queue.giveUp(rest.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) })
                    rest = ByteView()
                }
            }
        }
        queue.announceAgain()
    }

    private func reopen() {
        do throws(TransportFailure) {
            try sink.reopen()
        } catch {
            logger.error("access log \(name): \(error.message); the file that was open stays in use")
        }
    }

    private func noteFailure(_ failure: TransportFailure) {
        guard !isFailing else { return }
        isFailing = true
        logger.error("access log \(name): \(failure.message); its lines are kept in memory, up to \(queue.limit) bytes")
    }

    private func noteSuccess() {
        guard isFailing else { return }
        isFailing = false
        logger.notice("access log \(name): lines are written again")
    }

    private func reportLosses() {
        let lost = queue.counts.lost
        guard lost > reportedLosses else { return }
        let new = lost - reportedLosses
        logger.error("access log \(name): \(new) lines are lost, because they were not written in time")
        reportedLosses = lost
    }
}
