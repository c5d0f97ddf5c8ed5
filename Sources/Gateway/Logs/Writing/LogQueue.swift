import Dispatch
import Glibc
import Memory
import Synchronization
import Transport

/// Lines on their way from the workers to the thread that writes them, up to a number of bytes.
///
/// They are in two places by turns: the workers fill one while the other is written.
final class LogQueue: Sendable {
    /// Bytes of lines that have not been written yet.
    let limit: Int
    private let first: ReservedBytes
    private let second: ReservedBytes
    private let state = Mutex(State())
    private let wanted = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    private struct State {
        var isFirstFilled = true
        /// Bytes in the place that the workers fill.
        var count = 0
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
    /// What a batch took beyond this is given back: after a disk was slow for a moment, the memory is as before.
    private static let keptCapacity = 256 << 10

    init(limit: Int) throws(TransportFailure) {
        guard let first = ReservedBytes(count: limit), let second = ReservedBytes(count: limit) else {
            throw .system(errno)
        }
        self.limit = limit
        self.first = first
        self.second = second
    }

    private func place(isFirst: Bool) -> MutableByteView { isFirst ? first.room : second.room }

    // MARK: From workers

    /// Takes whole lines, or counts them as lost if there is no space for them.
    func append(_ lines: ByteView, count: Int) {
        let announces = state.withLock { state in
            guard state.count + state.taken + lines.count <= limit else {
                state.counts.lost += count
                return false
            }
            place(isFirst: state.isFirstFilled).copy(lines, to: state.count)
            state.count += lines.count
            state.counts.accepted += count
            if !state.isAnnounced {
                state.isAnnounced = true
                return true
            }
            let isHurried = !state.isHurried && state.count >= Self.hurriedSize
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

    /// The next lines, once there are some, and what else is to be done. They stay as they are until `recycle`.
    func next() -> (lines: ByteView, reopens: Bool, isEnding: Bool) {
        while true {
            wanted.wait()
            let waits = state.withLock { !$0.isEnding && !$0.isReopening && !$0.isHurried && $0.count > 0 }
            if waits { _ = wanted.wait(timeout: .now() + Self.delay) }
            let work = state.withLock { state in
                state.isAnnounced = false
                state.isHurried = false
                let reopens = state.isReopening
                state.isReopening = false
                let lines = place(isFirst: state.isFirstFilled).view[..<state.count]
                state.isFirstFilled.toggle()
                state.taken = state.count
                state.count = 0
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

    /// Returns the place of lines that have been written.
    ///
    /// - Parameter count: their number of bytes.
    func recycle(_ count: Int) {
        guard count > Self.keptCapacity else { return }
        // No worker fills it before the next lines are taken.
        if state.withLock({ $0.isFirstFilled }) {
            second.discard(from: Self.keptCapacity, to: count)
        } else {
            first.discard(from: Self.keptCapacity, to: count)
        }
    }

    /// Waits before another attempt to write; returns early when the file is to be opened again or the end is near.
    func pause(_ interval: DispatchTimeInterval) -> (reopens: Bool, isEnding: Bool) {
        _ = wanted.wait(timeout: .now() + interval)
        return state.withLock { state in
            defer { state.isReopening = false }
            // What the signals were for is looked at after this batch.
            if state.count > 0 { state.isAnnounced = true }
            return (state.isReopening, state.isEnding)
        }
    }

    /// Whether lines wait that no signal announces any more.
    func announceAgain() {
        if state.withLock({ $0.count > 0 || $0.isEnding || $0.isReopening }) { wanted.signal() }
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
