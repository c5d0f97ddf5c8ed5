/// Lets one reload run at a time, and one more after it for all signals that came meanwhile.
struct ReloadQueue: Equatable, Sendable {
    private enum State {
        case idle
        /// A signal came while nothing could be reloaded.
        case postponed
        case underWay
        /// Another one is to follow: what it reads may be newer than what the present one has read.
        case underWayAndWanted
    }

    private var state = State.idle

    /// Whether a signal still waits for its reload.
    var isWanted: Bool { state == .postponed || state == .underWayAndWanted }

    /// A signal asks for a reload; true when it begins now, else it follows.
    mutating func signal() -> Bool {
        switch state {
        case .idle:
            state = .underWay
            return true
        case .underWay: state = .underWayAndWanted
        case .postponed, .underWayAndWanted: break
        }
        return false
    }

    /// The reload that was to begin cannot; it waits for `resume`.
    mutating func postpone() {
        state = .postponed
    }

    /// Nothing hinders any more; true when a postponed reload begins now.
    mutating func resume() -> Bool {
        guard state == .postponed else { return false }
        state = .underWay
        return true
    }

    /// Somebody who waits for the outcome asks for a reload; false when one is under way already.
    mutating func command() -> Bool {
        guard state == .idle else { return false }
        state = .underWay
        return true
    }

    /// The reload has ended; true when the next one begins now.
    mutating func finished() -> Bool {
        defer { state = state == .underWayAndWanted ? .underWay : .idle }
        return state == .underWayAndWanted
    }
}
