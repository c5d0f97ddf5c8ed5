import HTTP
import Transport

/// One worker's place for an extension: its lease while the extension is loaded, the connections that wait for it while
/// it is not.
///
/// Used by its worker's thread only. Whoever loads the extension tells every seat of what has come of it.
package final class ExtensionSeat: @unchecked Sendable {
    let name: String
    private let worker: Worker
    private let loader: any ExtensionLoader
    private(set) var lease: ExtensionLease?
    /// After a failure nothing is loaded before this.
    private var refusedUntil = Deadline(milliseconds: 0)
    private var isAwaited = false
    private var waiting: [WaitingEndpoint] = []
    /// Counts what this seat was told.
    private var news: UInt64 = 0

    package init(name: String, worker: Worker, loader: any ExtensionLoader) {
        self.name = name
        self.worker = worker
        self.loader = loader
    }

    /// What became of waiting for a lease.
    enum Arrival {
        case leased(ExtensionLease)
        /// The extension could not be loaded, just now or a moment ago.
        case refused
        /// It was not loaded in time.
        case late
    }

    /// The lease, after the extension was loaded for it if need be.
    ///
    /// Uses the endpoint's signal, so it must not be called while an extension may signal.
    func arrive(_ endpoint: WaitingEndpoint, until deadline: Deadline) async throws(ExchangeFailure) -> Arrival {
        while true {
            if let lease { return .leased(lease) }
            if worker.now < refusedUntil { return .refused }
            if !isAwaited {
                isAwaited = true
                loader.load()
            }
            let known = news
            waiting.append(endpoint)
            while news == known {
                switch await endpoint.wait(for: .signal | .hangup, until: deadline) {
                case .signalled, .ready, .draining: continue
                case .deadline:
                    leave(endpoint)
                    return .late
                case .hangup:
                    leave(endpoint)
                    throw .clientGone(.reset)
                case .aborted:
                    leave(endpoint)
                    throw .aborted
                }
            }
        }
    }

    private func leave(_ endpoint: WaitingEndpoint) {
        if let index = waiting.firstIndex(where: { $0 === endpoint }) { waiting.remove(at: index) }
    }

    // MARK: What the loader tells

    /// The extension is loaded; it may replace one that was.
    package func take(_ lease: ExtensionLease) {
        self.lease = lease
        tell()
    }

    /// The extension may be unloaded; requests from now on ask for it anew.
    package func giveUp() {
        lease = nil
        tell()
    }

    /// The extension could not be loaded, and is not tried again before `pause` is over.
    package func refuse(for pause: Delay) {
        refusedUntil = worker.now.advanced(by: pause)
        tell()
    }

    private func tell() {
        news += 1
        isAwaited = false
        let told = waiting
        waiting = []
        for endpoint in told { endpoint.signal() }
    }
}

/// What loads an extension when a request comes for it.
package protocol ExtensionLoader: AnyObject, Sendable {
    /// Has the extension loaded, unless that is under way; every seat is told what came of it. Called by workers.
    func load()
}
