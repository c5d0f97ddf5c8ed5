import Dispatch
import Glibc
import Synchronization
import Transport

/// Makes what the status page shows: for all pages that are open together, and only as long as one is.
///
/// All of its work is done on a queue of its own, so that no event loop makes a document. Where there is an admin
/// listener, it adds up the counters of requests every few seconds, for the history.
final class StatusFeed: Sendable {
    /// Pages of this gateway that may be open at the same time.
    static let readerLimit = 16
    /// What a person can follow.
    private static let interval = DispatchTimeInterval.seconds(1)

    private let queue = DispatchQueue(label: "status page")
    private let state = Mutex(State())

    private struct State {
        var readers: [StatusReader] = []
        /// Whether the next document is scheduled.
        var isTicking = false
        /// Whether the next step of the history is scheduled.
        var isSampling = false
        var history = RequestHistory()
        /// The history as the page gets it, with the number of its last step.
        var encodedHistory: (number: Int, text: [UInt8])?
        /// The number of the configuration that readers are shown.
        var generation: Int?
    }

    /// Pages that are open.
    var readerCount: Int { state.withLock { $0.readers.count } }

    // MARK: Readers

    /// Has `endpoint` signalled when there is something to send; nil where too many pages are open.
    func join(_ endpoint: WaitingEndpoint, of monitor: Monitor) -> StatusReader? {
        let reader = StatusReader(endpoint)
        let joined: Bool? = state.withLock { state in
            guard state.readers.count < Self.readerLimit else { return nil }
            state.readers.append(reader)
            defer { state.isTicking = true }
            return !state.isTicking
        }
        guard let mustTick = joined else { return nil }
        queue.async { [self] in
            reader.take(document(of: monitor), history: history(), isLast: monitor.isDraining)
            if mustTick { scheduleTick(monitor) }
        }
        return reader
    }

    func leave(_ reader: StatusReader) {
        state.withLock { state in state.readers.removeAll { $0 === reader } }
    }

    private func scheduleTick(_ monitor: Monitor) {
        queue.asyncAfter(deadline: .now() + Self.interval) { [self] in tick(monitor) }
    }

    /// Shows every reader the present state, as long as there are readers.
    private func tick(_ monitor: Monitor) {
        let goesOn = state.withLock { state in
            state.isTicking = !state.readers.isEmpty
            return state.isTicking
        }
        guard goesOn else { return }
        show(monitor, isLast: false)
        scheduleTick(monitor)
    }

    private func show(_ monitor: Monitor, isLast: Bool) {
        guard readerCount > 0 else { return }
        let document = document(of: monitor)
        let history = history()
        for reader in state.withLock({ $0.readers }) { reader.take(document, history: history, isLast: isLast) }
    }

    private func document(of monitor: Monitor) -> [UInt8] {
        Self.event("status", encodeLine(monitor.document()))
    }

    /// The history, encoded once for each of its steps.
    private func history() -> StatusReader.History {
        let (history, encoded) = state.withLock { ($0.history, $0.encodedHistory) }
        if let encoded, encoded.number == history.number {
            return StatusReader.History(number: encoded.number, text: encoded.text)
        }
        let text = Self.event("history", encodeLine(HistoryDocument(history)))
        state.withLock { $0.encodedHistory = (history.number, text) }
        return StatusReader.History(number: history.number, text: text)
    }

    /// - Parameter line: ends with a line feed.
    private static func event(_ name: String, _ line: [UInt8]) -> [UInt8] {
        Array("event: \(name)\ndata: ".utf8) + line + Array("\n".utf8)
    }

    // MARK: The life of the gateway

    /// Another configuration is served: every reader is shown that, and asks anew, by the rules that hold now.
    ///
    /// - Parameter snapshot: nil when nothing is served any more.
    func serve(_ snapshot: GatewaySnapshot?, of monitor: Monitor) {
        let isCounted = snapshot?.metrics != nil
        let (isOther, mustSample) = state.withLock { state in
            let isOther = state.generation != nil && state.generation != snapshot?.generation
            state.generation = snapshot?.generation
            let mustSample = isCounted && !state.isSampling
            state.isSampling = isCounted
            return (isOther, mustSample)
        }
        if mustSample { queue.async { [self] in sample(monitor) } }
        if isOther { release(monitor) }
    }

    /// Waits until no document is being made: what one describes is kept alive meanwhile.
    func wait() { queue.sync {} }

    /// Shows every reader the present state and ends its stream.
    func release(_ monitor: Monitor) {
        queue.async { [self] in show(monitor, isLast: true) }
    }

    // MARK: History

    private func sample(_ monitor: Monitor) {
        guard state.withLock({ $0.isSampling }) else { return }
        if let (totals, bounds) = monitor.requestTotals() {
            let now = DispatchTime.now().uptimeNanoseconds / 1_000_000
            state.withLock { $0.history.add(totals, bounds: bounds, milliseconds: now, now: Int64(time(nil))) }
        }
        queue.asyncAfter(deadline: .now() + .seconds(RequestHistory.stepSeconds)) { [self] in sample(monitor) }
    }
}

/// One page that is open: what is to be sent to it next.
///
/// It holds the newest document only, so that a client that does not read makes nothing pile up.
final class StatusReader: Sendable {
    struct History {
        let number: Int
        let text: [UInt8]
    }

    /// What to send, in this order.
    struct Mail {
        var history: [UInt8]?
        var document: [UInt8]
        /// Whether the stream ends after it.
        var isLast: Bool
    }

    private struct State {
        var mail: Mail?
        /// The number of the last step of the history that the page has, or is about to get.
        var known: Int?
    }

    private let endpoint: WaitingEndpoint
    private let state = Mutex(State())

    init(_ endpoint: WaitingEndpoint) {
        self.endpoint = endpoint
    }

    /// Replaces what has not been sent yet.
    func take(_ document: [UInt8], history: History, isLast: Bool) {
        state.withLock { state in
            let isNew = state.known != history.number
            state.known = history.number
            state.mail = Mail(
                history: isNew ? history.text : state.mail?.history, document: document,
                isLast: isLast || state.mail?.isLast == true)
        }
        endpoint.signal()
    }

    func next() -> Mail? {
        state.withLock { $0.mail.take() }
    }
}
