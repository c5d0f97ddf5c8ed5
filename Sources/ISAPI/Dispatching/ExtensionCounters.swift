import Transport

/// What one worker has counted of an extension's requests; any thread may read it.
package final class ExtensionCounters: Sendable {
    /// Why the gateway answered in place of an extension, or its answer counts as an error.
    package enum Failure: Int, CaseIterable, Sendable {
        case queueFull, notLoaded, timeout, silent, failed, unknownStatus, exhausted, processEnded, unavailable

        /// The value of the label `reason`.
        package var word: String {
            switch self {
            case .queueFull: "queue_full"
            case .notLoaded: "not_loaded"
            case .timeout: "timeout"
            case .silent: "no_response"
            case .failed: "status_error"
            case .unknownStatus: "unknown_status"
            case .exhausted: "no_control_block"
            case .processEnded: "process_ended"
            case .unavailable: "no_process"
            }
        }
    }

    /// Requests that have ended.
    package let requests = WorkerCounter()
    /// Microseconds of all of them together, in which they waited for a thread and in which they ran.
    package let waited = WorkerCounter()
    package let ran = WorkerCounter()
    private let failures = InlineArray<9, WorkerCounter> { _ in WorkerCounter() }

    package init() {}

    package func count(of failure: Failure) -> UInt64 { failures[failure.rawValue].count }

    func note(_ failure: Failure) { failures[failure.rawValue].add() }

    func note(_ outcome: SessionOutcome) {
        requests.add()
        waited.add(UInt64(outcome.waited ?? 0))
        ran.add(UInt64(outcome.ran))
        switch outcome.ending {
        case .complete: break
        case .silent: note(.silent)
        case .failed: note(.failed)
        case .unknownStatus: note(.unknownStatus)
        case .exhausted: note(.exhausted)
        case .processEnded: note(.processEnded)
        case .unavailable: note(.unavailable)
        }
    }
}
