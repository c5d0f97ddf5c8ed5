/// Runs one reload at a time, and one more after it for all signals that arrived meanwhile.
struct ReloadQueue: Equatable, Sendable {
    private enum State {
        case idle
        /// A signal arrived while no reload was possible.
        case postponed
        case underWay
        /// Another one has to follow: it may read newer files than the present one has read.
        case underWayAndWanted
    }

    private var state = State.idle

    /// Whether a signal still waits for its reload.
    var isWanted: Bool { state == .postponed || state == .underWayAndWanted }

    /// A signal requests a reload; true when it begins now, otherwise it follows later.
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

    /// The reload that was about to begin cannot; it waits for `resume`.
    mutating func postpone() {
        state = .postponed
    }

    /// A reload is possible again; true when a postponed reload begins now.
    mutating func resume() -> Bool {
        guard state == .postponed else { return false }
        state = .underWay
        return true
    }

    /// A client that waits for the result requests a reload; false when one is already in progress.
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
