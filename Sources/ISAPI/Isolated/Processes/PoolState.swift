/// The processes of a pool and what is known of them; guarded by the pool's lock.
struct PoolState {
    enum Phase {
        /// Without processes until the first request.
        case idle
        case running
        case stopping
    }

    var phase = Phase.idle
    /// Places for which a process is about to be started.
    var claimed: Set<Int> = []
    /// Started and neither ready nor ended.
    var starting: [HostProcess] = []
    var ready: [HostProcess] = []
    /// Without new requests: crashing, or finishing what they have.
    var ending: [HostProcess] = []
    /// Those of `ready` that have to be replaced, and why.
    var replaced: [ObjectIdentifier: EndReason] = [:]
    var crashes: [ContinuousClock.Instant] = []
    var pausedUntil: ContinuousClock.Instant?
    /// When a process is started again in place of one that could not be.
    var retryAt: ContinuousClock.Instant?
    /// Of the first process that was ready, by library.
    var outcomes: [LibraryOutcome]?
    /// Why the last one that was not ready could not be used.
    var refusal: ExtensionLoadError.Reason?
    var ends: [EndReason: Int] = [:]
    /// The newest last.
    var lastEnds: [RecordedEnd] = []
    var notices: Set<String> = []
    /// Modules in use.
    var members = 0
    /// Whether there ever was one.
    var wasUsed = false
    var isWatched = false

    /// The process has to be replaced; false if that was known.
    mutating func mark(_ process: HostProcess, _ reason: EndReason) -> Bool {
        let identity = ObjectIdentifier(process)
        guard replaced[identity] == nil else { return false }
        replaced[identity] = reason
        return true
    }

    /// Whether that was one too many, and the pool is stopped.
    mutating func countCrash(_ limits: RapidFail) -> Bool {
        let now = ContinuousClock.now
        crashes = crashes.filter { now - $0 < limits.within } + [now]
        guard crashes.count >= limits.crashes else { return false }
        pausedUntil = now + limits.pause
        return true
    }

    /// Whether the caller has to start a process for the place, which has none.
    mutating func claim(_ place: Int) -> Bool {
        !(starting + ready).contains { $0.place == place } && claimed.insert(place).inserted
    }

    /// The same for a place whose process has to be replaced.
    mutating func claimSuccessor(_ place: Int) -> Bool {
        !starting.contains { $0.place == place } && claimed.insert(place).inserted
    }

    /// Places without a process that serves or is about to; the caller has to start them.
    mutating func claimMissing(of count: Int) -> [Int] {
        (0..<count).filter { claim($0) }
    }
}

/// A process that has ended, for the status.
struct RecordedEnd {
    let pid: Int32
    let reason: EndReason
    let text: String
    let at: ContinuousClock.Instant
    let requests: Int
}

extension LibraryOutcome {
    var isLoaded: Bool { if case .loaded = self { true } else { false } }
}
