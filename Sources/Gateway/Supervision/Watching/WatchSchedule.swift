import Transport

/// When changed files are looked at: once they have settled, and again after growing pauses while they cannot be used.
///
/// A pair is written in two steps, so for a moment a certificate stands beside the key of another.
struct WatchSchedule: Equatable, Sendable {
    private enum State: Equatable {
        case idle
        /// Something has changed; more may follow at once.
        case settling(since: Deadline, until: Deadline)
        /// What was read is being tried; `attempt` counts from 0.
        case trying(attempt: Int, isChanged: Bool)
        case pausing(attempt: Int, until: Deadline)
    }

    private var state = State.idle

    /// Without a change for this long, files are taken to be complete.
    static let quiet = Delay.milliseconds(100)
    /// Files that change without end are looked at all the same.
    static let longestUnrest = Delay.seconds(2)
    /// Before another attempt; together longer than a slow copy of two files takes.
    static let pauses: [Delay] = [250, 500, 1000, 2000, 4000].map { .milliseconds($0) }

    /// When to look at the files.
    var deadline: Deadline {
        switch state {
        case .settling(_, let until), .pausing(_, let until): until
        case .idle, .trying: .never
        }
    }

    mutating func changed(now: Deadline) {
        switch state {
        case .settling(let since, _):
            let until = min(now.advanced(by: Self.quiet), since.advanced(by: Self.longestUnrest))
            state = .settling(since: since, until: until)
        case .trying(let attempt, _): state = .trying(attempt: attempt, isChanged: true)
        case .idle, .pausing: state = .settling(since: now, until: now.advanced(by: Self.quiet))
        }
    }

    /// The files cannot be looked at now.
    mutating func postpone(now: Deadline) {
        state = .settling(since: now, until: now.advanced(by: Self.quiet))
    }

    /// The files are looked at now.
    mutating func begin() {
        if case .pausing(let attempt, _) = state {
            state = .trying(attempt: attempt, isChanged: false)
        } else {
            state = .trying(attempt: 0, isChanged: false)
        }
    }

    /// They are in use, or are what they were before.
    mutating func succeeded(now: Deadline) {
        let isChanged = state == .trying(attempt: attempt, isChanged: true)
        state = .idle
        if isChanged { changed(now: now) }
    }

    /// They cannot be used.
    ///
    /// - Returns: how long until they are looked at again; nil when only another change will do.
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
        case .idle, .settling: 0
        }
    }
}
