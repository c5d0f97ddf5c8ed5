import HTTP
import Transport

/// One worker's queue of requests for an extension: the worker's handle while the extension is loaded, the waiting
/// requests while it is not.
///
/// Used by its worker's thread only. The loader reports the result of each attempt to every queue.
package final class ExtensionRequestQueue: @unchecked Sendable {
    let name: String
    let counters: ExtensionCounters
    private let worker: Worker
    private let loader: any ExtensionLoader
    private(set) var handle: ExtensionHandle?
    /// After a failure nothing is loaded before this time.
    private var refusedUntil = Deadline(milliseconds: 0)
    private var isLoadRequested = false
    private var waiting: [WaitingEndpoint] = []
    /// Incremented with each report of the loader.
    private var reports: UInt64 = 0

    package init(
        name: String, worker: Worker, loader: any ExtensionLoader, counters: ExtensionCounters = ExtensionCounters()
    ) {
        self.name = name
        self.counters = counters
        self.worker = worker
        self.loader = loader
    }

    /// The result of waiting for a handle.
    enum WaitResult {
        case loaded(ExtensionHandle)
        /// The extension could not be loaded, just now or a moment ago.
        case refused
        /// It was not loaded in time.
        case timedOut
    }

    /// Waits for the handle, and has the extension loaded if it is not.
    ///
    /// Uses the endpoint's signal, so it must not be called while an extension may signal.
    func wait(at endpoint: WaitingEndpoint, until deadline: Deadline) async throws(ExchangeFailure) -> WaitResult {
        while true {
            if let handle { return .loaded(handle) }
            if worker.now < refusedUntil { return .refused }
            if !isLoadRequested {
                isLoadRequested = true
                loader.load()
            }
            let known = reports
            waiting.append(endpoint)
            while reports == known {
                switch await endpoint.wait(for: .signal | .hangup, until: deadline) {
                case .signalled, .ready, .draining: continue
                case .deadline:
                    remove(endpoint)
                    return .timedOut
                case .hangup:
                    remove(endpoint)
                    throw .clientGone(.reset)
                case .aborted:
                    remove(endpoint)
                    throw .aborted
                }
            }
        }
    }

    private func remove(_ endpoint: WaitingEndpoint) {
        if let index = waiting.firstIndex(where: { $0 === endpoint }) { waiting.remove(at: index) }
    }

    // MARK: Reports of the loader

    /// The extension is loaded; it may replace one that was.
    package func use(_ handle: ExtensionHandle) {
        self.handle = handle
        wakeWaiting()
    }

    /// The extension may be unloaded; later requests load it again.
    package func withdraw() {
        handle = nil
        wakeWaiting()
    }

    /// The extension could not be loaded, and is not tried again until `pause` has passed.
    package func loadFailed(retryAfter pause: Delay) {
        refusedUntil = worker.now.advanced(by: pause)
        wakeWaiting()
    }

    private func wakeWaiting() {
        reports += 1
        isLoadRequested = false
        let woken = waiting
        waiting = []
        for endpoint in woken { endpoint.signal() }
    }
}

/// Loads an extension when a request needs it.
package protocol ExtensionLoader: AnyObject, Sendable {
    /// Begins to load the extension, unless it is being loaded; every queue gets the result. Called by workers.
    func load()
}
