import Transport

/// When changed files are checked: once they have stopped changing, and again after growing delays while they cannot be
/// used.
///
/// A pair is written in two steps, so for a moment a certificate is beside the key of another.
struct WatchSchedule: Equatable, Sendable {
    private enum State: Equatable {
        case idle
        /// Something has changed; more may follow immediately.
        case waiting(since: Deadline, until: Deadline)
        /// What was read is being tried; `attempt` counts from 0.
        case trying(attempt: Int, isChanged: Bool)
        case pausing(attempt: Int, until: Deadline)
    }

    private var state = State.idle

    /// After this time without a change, files are assumed to be complete.
    static let quiet = Delay.milliseconds(100)
    /// Files that change continuously are checked after this time.
    static let longestUnrest = Delay.seconds(2)
    /// Before another attempt; in total longer than a slow copy of two files takes.
    static let pauses: [Delay] = [250, 500, 1000, 2000, 4000].map { .milliseconds($0) }

    /// When to check the files.
    var deadline: Deadline {
        switch state {
        case .waiting(_, let until), .pausing(_, let until): until
        case .idle, .trying: .never
        }
    }

    mutating func changed(now: Deadline) {
        switch state {
        case .waiting(let since, _):
            let until = min(now.advanced(by: Self.quiet), since.advanced(by: Self.longestUnrest))
            state = .waiting(since: since, until: until)
        case .trying(let attempt, _): state = .trying(attempt: attempt, isChanged: true)
        case .idle, .pausing: state = .waiting(since: now, until: now.advanced(by: Self.quiet))
        }
    }

    /// The files cannot be checked now.
    mutating func postpone(now: Deadline) {
        state = .waiting(since: now, until: now.advanced(by: Self.quiet))
    }

    /// The files are checked now.
    mutating func begin() {
        if case .pausing(let attempt, _) = state {
            state = .trying(attempt: attempt, isChanged: false)
        } else {
            state = .trying(attempt: 0, isChanged: false)
        }
    }

    /// They are in use, or unchanged.
    mutating func succeeded(now: Deadline) {
        let isChanged = state == .trying(attempt: attempt, isChanged: true)
        state = .idle
        if isChanged { changed(now: now) }
    }

    /// They cannot be used.
    ///
    /// - Returns: how long until they are checked again; nil to wait for another change.
    mutating func failed(now: Deadline) -> Delay? {
        let attempt = attempt
        if state == .trying(attempt: attempt, isChanged: true) {
            state = .idle
            changed(now: now)
            return Self.quiet
        }
        guard attempt < Self.pauses.count else {
            state = .idle
            return nil
        }
        state = .pausing(attempt: attempt + 1, until: now.advanced(by: Self.pauses[attempt]))
        return Self.pauses[attempt]
    }

    private var attempt: Int {
        switch state {
        case .trying(let attempt, _), .pausing(let attempt, _): attempt
        case .idle, .waiting: 0
        }
    }
}
