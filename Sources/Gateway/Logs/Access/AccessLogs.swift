import HTTP
import Transport

/// The access logs of one worker: formats a line of each log that a request has, and passes the lines of a turn of the
/// loop to the writers together.
final class AccessLogs: TurnEndAction {
    private let logs: [AccessLog]
    private let defaults: UInt32
    private unowned let worker: Worker
    private let clock = LogClock()
    private var isTurnEndRequested = false

    init(_ set: AccessLogSet, worker: Worker) {
        logs = set.targets.map { AccessLog($0) }
        defaults = set.defaults
        self.worker = worker
    }

    func record(_ exchange: Exchange) {
        let chosen = exchange.logs
        let bits = chosen == .max ? defaults : chosen
        guard bits != 0 else { return }
        let response = LoggedResponse(exchange, clock: currentClock, now: worker.now)
        for log in logs where log.bit & bits != 0 { log.record(response) }
        requestTurnEnd()
    }

    /// For a response that switches protocols: its lines are written when the tunnel has ended.
    func recordAtEnd(_ exchange: Exchange) -> any SuccessionObserver {
        let chosen = exchange.logs
        let bits = chosen == .max ? defaults : chosen
        let response = LoggedResponse(exchange, clock: currentClock, now: worker.now)
        let lines = logs.compactMap { log in
            log.bit & bits == 0 ? nil : log.begin(response).map { (log, $0) }
        }
        return PendingLines(lines, status: exchange.status, began: exchange.began, logs: self)
    }

    /// Lines that wait for the end of a tunnel.
    private final class PendingLines: SuccessionObserver {
        private let lines: [(log: AccessLog, line: PendingLine)]
        private let status: Int
        private let began: Deadline
        private let logs: AccessLogs

        init(_ lines: [(AccessLog, PendingLine)], status: Int, began: Deadline, logs: AccessLogs) {
            self.lines = lines
            self.status = status
            self.began = began
            self.logs = logs
        }

        func ended(_ tally: SuccessionTally) {
            let end = TunnelEnd(
                status: status, tally: tally, milliseconds: logs.worker.now.milliseconds - began.milliseconds,
                clock: logs.currentClock)
            for (log, line) in lines { log.complete(line, end) }
            logs.requestTurnEnd()
        }
    }

    private var currentClock: LogClock {
        clock.set(worker.wallSeconds)
        return clock
    }

    private func requestTurnEnd() {
        guard !isTurnEndRequested else { return }
        isTurnEndRequested = true
        worker.atEndOfTurn(self)
    }

    func turnEnded() {
        isTurnEndRequested = false
        for log in logs { log.passLines() }
    }
}

/// The lines of one log of one worker.
private final class AccessLog {
    let bit: UInt32
    private let format: LineFormat
    private let writer: LogWriter
    private let statuses: [ClosedRange<Int>]?
    private let slowerThan: UInt64
    private var sampler: LogSampler
    private var lines = OutputBuffer()
    private var lineCount = 0

    init(_ target: AccessLogTarget) {
        bit = target.bit
        format = target.format
        writer = target.writer
        statuses = target.conditions.statuses
        slowerThan = UInt64(target.conditions.slowerThan / .milliseconds(1))
        sampler = LogSampler(target.conditions.sample)
    }

    func record(_ response: borrowing LoggedResponse) {
        guard isWanted(response.exchange.status, after: response.milliseconds) else { return }
        format.append(response, to: &lines)
        lineCount += 1
    }

    /// Nil if the response cannot have a line.
    func begin(_ response: borrowing LoggedResponse) -> PendingLine? {
        hasStatus(response.exchange.status) ? format.begin(response) : nil
    }

    func complete(_ line: PendingLine, _ end: borrowing TunnelEnd) {
        guard isWanted(end.status, after: end.milliseconds) else { return }
        format.append(line, end, to: &lines)
        lineCount += 1
    }

    private func isWanted(_ status: Int, after milliseconds: UInt64) -> Bool {
        milliseconds >= slowerThan && hasStatus(status) && sampler.takes()
    }

    private func hasStatus(_ status: Int) -> Bool {
        guard let statuses else { return true }
        return statuses.contains { $0.contains(status) }
    }

    func passLines() {
        guard lineCount > 0 else { return }
        writer.append(lines.unsent, count: lineCount)
        lines.removeAll()
        lineCount = 0
    }
}

/// Selects one of every `count` events, at a place that clients cannot predict.
struct LogSampler {
    private let count: Int
    private var position = 0
    private var selected: Int

    init(_ count: Int) {
        self.count = count
        selected = count == 1 ? 0 : .random(in: 0..<count)
    }

    mutating func takes() -> Bool {
        guard count > 1 else { return true }
        let isSelected = position == selected
        position += 1
        if position == count {
            position = 0
            selected = .random(in: 0..<count)
        }
        return isSelected
    }
}
