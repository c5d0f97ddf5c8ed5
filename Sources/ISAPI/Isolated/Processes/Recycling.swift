/// When a process is replaced by a new one, and why.
///
/// A value that judges what is known of a process; it does nothing itself.
package struct Recycling: Sendable, Equatable {
    /// Requests that it has begun.
    package var requests: Int?
    /// Its age.
    package var after: Duration?
    /// Minutes since midnight, local time.
    package var times: [Int] = []
    /// Bytes of memory that only it has.
    package var privateMemory: Int?
    package var processorTime: ProcessorTime?

    package init() {}

    /// A share of one processor, in per cent, over a time.
    package struct ProcessorTime: Sendable, Equatable {
        package var percent: Int
        package var over: Duration

        package init(percent: Int, over: Duration) {
            self.percent = percent
            self.over = over
        }
    }

    /// What is known of a process.
    struct Facts: Equatable {
        var requests = 0
        var age = Duration.zero
        /// Whether one of `times` has come since it started.
        var isDue = false
        var privateMemory = 0
        /// Over the last `processorTime.over`; nil as long as that has not been measured.
        var processorShare: Int?
    }

    /// Why the process has to be replaced; nil if it need not be.
    func reason(_ facts: Facts) -> EndReason? {
        if let requests, facts.requests >= requests { return .requests }
        if let after, facts.age >= after { return .after }
        if facts.isDue { return .schedule }
        if let privateMemory, facts.privateMemory > privateMemory { return .privateMemory }
        if let processorTime, let share = facts.processorShare, share > processorTime.percent {
            return .processorTime
        }
        return nil
    }

    /// Whether memory or processor time have to be measured.
    var measures: Bool { privateMemory != nil || processorTime != nil }
}

/// Why a process has ended, or has to end: one word each, in the log, the status and counters.
package enum EndReason: String, Codable, Sendable, CaseIterable {
    // Recycled: another process has taken its place before.
    case requests
    case after
    case schedule = "at"
    case privateMemory = "private_memory"
    case processorTime = "cpu"
    case unhealthy
    case command
    // Crashed, or to be taken for that.
    case crash
    case ping
    case requestTimeout = "request_timeout"
    case protocolViolation = "protocol"
    case startLimit = "start_limit"
    // Not needed.
    case idle
    case stop

    /// Whether rapid-fail protection counts it.
    package var isCrash: Bool {
        switch self {
        case .crash, .ping, .requestTimeout, .protocolViolation: true
        default: false
        }
    }

    /// The reason, for the log: "it …".
    package var text: String {
        switch self {
        case .requests: "has served its number of requests"
        case .after: "has reached its age"
        case .schedule: "is replaced at this time of day"
        case .privateMemory: "has more private memory than it may"
        case .processorTime: "uses more processor time than it may"
        case .unhealthy: "has reported itself unhealthy"
        case .command: "is recycled by a command"
        case .crash: "has crashed"
        case .ping: "did not answer its ping"
        case .requestTimeout: "did not answer a request in time"
        case .protocolViolation: "broke the protocol"
        case .startLimit: "was not ready within the start limit"
        case .idle: "had no requests"
        case .stop: "is not needed any more"
        }
    }
}
