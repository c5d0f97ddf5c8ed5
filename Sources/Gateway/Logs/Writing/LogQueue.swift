import Dispatch
import Memory
import Synchronization

/// Lines on their way from the workers to the thread that writes them, up to a number of bytes.
final class LogQueue: Sendable {
    /// Bytes of lines that have not been written yet.
    let limit: Int
    private let state = Mutex(State())
    private let wanted = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    private struct State {
        var bytes: [UInt8] = []
        /// Bytes that have been taken and not written yet.
        var taken = 0
        /// Whether the writer knows that there is something to do.
        var isAnnounced = false
        var isHurried = false
        var isReopening = false
        var isEnding = false
        var counts = LogCounts()
    }

    /// Lines of half a page of memory wait for others no longer than this; a batch of `hurriedSize` does not wait.
    private static let delay = DispatchTimeInterval.milliseconds(10)
    private static let hurriedSize = 128 << 10
    private static let keptCapacity = 256 << 10

    init(limit: Int) {
        self.limit = limit
    }

    // MARK: From workers

    /// Takes whole lines, or counts them as lost if there is no space for them.
    func append(_ lines: ByteView, count: Int) {
        let announces = state.withLock { state in
            guard state.bytes.count + state.taken + lines.count <= limit else {
                state.counts.lost += count
                return false
            }
            state.bytes.append(contentsOf: lines)
            state.counts.accepted += count
            if !state.isAnnounced {
                state.isAnnounced = true
                return true
            }
            let isHurried = !state.isHurried && state.bytes.count >= Self.hurriedSize
            if isHurried { state.isHurried = true }
            return isHurried
        }
        if announces { wanted.signal() }
    }

    // MARK: From the main thread

    var counts: LogCounts { state.withLock { $0.counts } }

    func reopen() {
        state.withLock { $0.isReopening = true }
        wanted.signal()
    }

    /// The writer ends when everything is written, or cannot be.
    func end() {
        state.withLock { $0.isEnding = true }
        wanted.signal()
    }

    /// False if the writer has not ended in time.
    func waitForEnd(until deadline: DispatchTime) -> Bool {
        guard ended.wait(timeout: deadline) == .success else { return false }
        ended.signal()
        return true
    }

    // MARK: From the writer

    /// The next lines, once there are some, and what else is to be done.
    func next() -> (lines: [UInt8], reopens: Bool, isEnding: Bool) {
        while true {
            wanted.wait()
            let waits = state.withLock { !$0.isEnding && !$0.isReopening && !$0.isHurried && !$0.bytes.isEmpty }
            if waits { _ = wanted.wait(timeout: .now() + Self.delay) }
            let work = state.withLock { state in
                state.isAnnounced = false
                state.isHurried = false
                let reopens = state.isReopening
                state.isReopening = false
                let lines = state.bytes
                state.bytes = []
                state.taken = lines.count
                return (lines: lines, reopens: reopens, isEnding: state.isEnding)
            }
            if !work.lines.isEmpty || work.reopens || work.isEnding { return work }
        }
    }

    /// `count` bytes of the lines taken have been written.
    func noteWritten(_ count: Int) {
        state.withLock { $0.taken -= count }
    }

    /// The rest of the lines taken cannot be written.
    func giveUp(_ lines: Int) {
        state.withLock { state in
            state.taken = 0
            state.counts.lost += lines
            state.counts.accepted -= lines
        }
    }

    /// Returns the memory of lines that have been written, for others.
    func recycle(_ lines: consuming [UInt8]) {
        guard lines.capacity <= Self.keptCapacity else { return }
        lines.removeAll(keepingCapacity: true)
        state.withLock { state in
            if state.bytes.capacity == 0 { state.bytes = lines }
        }
    }

    /// Waits before another attempt to write; returns early when the file is to be opened again or the end is near.
    func pause(_ interval: DispatchTimeInterval) -> (reopens: Bool, isEnding: Bool) {
        _ = wanted.wait(timeout: .now() + interval)
        return state.withLock { state in
            defer { state.isReopening = false }
            // What the signals were for is looked at after this batch.
            if !state.bytes.isEmpty { state.isAnnounced = true }
            return (state.isReopening, state.isEnding)
        }
    }

    /// Whether lines wait that no signal announces any more.
    func announceAgain() {
        if state.withLock({ !$0.bytes.isEmpty || $0.isEnding || $0.isReopening }) { wanted.signal() }
    }

    func noteEnd() {
        ended.signal()
    }
}

/// How many lines a log has taken, and how many it has lost because they could not be written fast enough.
struct LogCounts: Equatable, Sendable {
    var accepted = 0
    var lost = 0
}
