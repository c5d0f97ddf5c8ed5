import HTTP
import Memory
import Transport

/// The requests of one worker that handlers are answering, each of which has a line in the slow log once it exceeds the
/// time.
///
/// One timer serves all of them. It is set for the request that began first, and is not moved when that ends before.
final class SlowWatch {
    private let worker: Worker
    private let clock = LogClock()
    private let pending = PendingExchanges()
    private var timer: WorkerTimer?
    private var log: AccessLogTarget?
    private var defaults: UInt32 = 0

    init(_ worker: Worker) {
        self.worker = worker
    }

    deinit {
        timer?.cancel()
    }

    /// Reports to the slow log of this set from now on, also the requests in progress.
    func serve(_ logs: AccessLogSet) {
        log = logs.slow
        defaults = logs.defaults
    }

    private var limit: Delay { Delay(log?.conditions.slowerThan ?? .zero) }

    /// A handler answers the request from now on.
    func watch(_ exchange: Exchange) {
        pending.add(exchange)
        if timer == nil || timer?.due == .never { setTimer(exchange.began.advanced(by: limit)) }
    }

    private func setTimer(_ due: Deadline) {
        let timer = timer ?? WorkerTimer(worker) { [unowned self] in look() }
        self.timer = timer
        timer.set(max(due, worker.now.advanced(by: .milliseconds(1))))
    }

    /// Reports what has exceeded the time since the last look.
    private func look() {
        guard log != nil else { return }
        let (now, limit) = (worker.now, limit)
        var next = Deadline.never
        for exchange in pending.exchanges {
            let due = exchange.began.advanced(by: limit)
            if due > now {
                next = min(next, due)
            } else if !exchange.isReported {
                exchange.noteReport()
                report(exchange)
            }
        }
        if next != .never { setTimer(next) }
    }

    private func report(_ exchange: Exchange) {
        guard let log else { return }
        let chosen = exchange.logs == .max ? defaults : exchange.logs
        guard chosen & log.bit != 0 else { return }
        clock.set(worker.wallSeconds)
        var text = OutputBuffer()
        log.format.append(LoggedResponse(exchange, clock: clock, now: worker.now, isRunning: true), to: &text)
        let line = RunningLine(Array(text.unsent), isJSON: log.format.isJSON)
        let phase = exchange.phase
        let writer = log.writer
        if phase == .extensionCode, let stacks = log.stacks,
            stacks.take(exchange.requestID, { line.write(phase, $0, to: writer) })
        {
            return
        }
        line.write(phase, nil, to: writer)
    }
}
