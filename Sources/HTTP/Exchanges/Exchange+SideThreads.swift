import Synchronization
import Transport

extension Exchange {
    /// Runs `work` on other threads and waits for its result.
    ///
    /// It uses the endpoint's signal, so it must not be called while an extension may signal.
    /// - Returns: nil if too many jobs are queued for those threads, or the job took longer than `limit`.
    package func run<Result: Sendable>(
        on threads: SideThreads, within limit: Delay, _ work: @escaping @Sendable () -> Result
    ) async throws(ExchangeFailure) -> Result? {
        let endpoint = endpoint
        let deadline = endpoint.worker.now.advanced(by: limit)
        let found = Found<Result>()
        let isTaken = threads.run {
            let result = work()
            found.value.withLock { $0 = result }
            endpoint.signal()
        }
        guard isTaken else { return nil }
        while true {
            if let result = found.value.withLock({ $0 }) { return result }
            switch await endpoint.wait(for: .signal | .hangup, until: deadline) {
            case .signalled, .ready, .draining: continue
            case .deadline: return nil
            case .hangup: throw .clientGone(.reset)
            case .aborted: throw .aborted
            }
        }
    }
}

private final class Found<Result: Sendable>: Sendable {
    let value = Mutex<Result?>(nil)
}
