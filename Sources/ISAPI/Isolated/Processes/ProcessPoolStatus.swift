/// What a pool does at present, for people and programs.
package struct ProcessPoolStatus: Codable, Equatable, Sendable {
    package var name: String
    /// The extensions that it runs.
    package var extensions: [String]
    /// `running`, `idle` (no processes until the next request), `stopped` (rapid-fail protection), or `ending`.
    package var state: String
    /// Until a stopped pool starts again.
    package var stoppedForSeconds: Int?
    package var processes: [ProcessStatus]
    /// Since the pool exists: processes that have ended, by the word of the reason.
    package var ends: [String: Int]
    /// The last of them, the newest first.
    package var lastEnds: [EndStatus]

    /// Of a pool that has not been needed yet.
    package init(name: String, extensions: [String]) {
        self.init(
            name: name, extensions: extensions, state: "idle", stoppedForSeconds: nil, processes: [], ends: [:],
            lastEnds: [])
    }

    init(
        name: String, extensions: [String], state: String, stoppedForSeconds: Int?, processes: [ProcessStatus],
        ends: [String: Int], lastEnds: [EndStatus]
    ) {
        self.name = name
        self.extensions = extensions
        self.state = state
        self.stoppedForSeconds = stoppedForSeconds
        self.processes = processes
        self.ends = ends
        self.lastEnds = lastEnds
    }

    package struct ProcessStatus: Codable, Equatable, Sendable {
        package var pid: Int32
        /// `starting`, `ready`, or `ending` (no new requests).
        package var state: String
        /// Requests under way.
        package var requests: Int
        /// Requests begun since its start.
        package var served: Int
        package var ageSeconds: Int
        /// Bytes.
        package var privateMemory: Int
        /// Seconds.
        package var processorTime: Double
    }

    package struct EndStatus: Codable, Equatable, Sendable {
        package var pid: Int32
        package var reason: String
        package var text: String
        package var secondsAgo: Int
        /// Requests that were in it.
        package var requests: Int

        package init(pid: Int32, reason: String, text: String, secondsAgo: Int, requests: Int) {
            self.pid = pid
            self.reason = reason
            self.text = text
            self.secondsAgo = secondsAgo
            self.requests = requests
        }
    }
}

extension ProcessPool {
    package var status: ProcessPoolStatus {
        let now = ContinuousClock.now
        return state.withLock { state in
            func describe(_ processes: [HostProcess], _ word: String) -> [ProcessPoolStatus.ProcessStatus] {
                processes.map { process in
                    let usage = ProcessUsage(pid: process.pid)
                    return ProcessPoolStatus.ProcessStatus(
                        pid: process.pid, state: word, requests: process.requestCount, served: process.served,
                        ageSeconds: Int((now - process.began).components.seconds), privateMemory: usage.privateMemory,
                        processorTime: usage.processorTime / .seconds(1))
                }
            }
            let isStopped = state.pausedUntil != nil
            return ProcessPoolStatus(
                name: name, extensions: launch.libraries.map(\.name),
                state: state.phase == .stopping
                    ? "ending" : isStopped ? "stopped" : state.phase == .idle ? "idle" : "running",
                stoppedForSeconds: state.pausedUntil.map { max(0, Int(($0 - now).components.seconds)) },
                processes: describe(state.starting, "starting") + describe(state.ready, "ready")
                    + describe(state.ending, "ending"),
                ends: Dictionary(uniqueKeysWithValues: state.ends.map { ($0.key.rawValue, $0.value) }),
                lastEnds: state.lastEnds.reversed().map { end in
                    ProcessPoolStatus.EndStatus(
                        pid: end.pid, reason: end.reason.rawValue, text: end.text,
                        secondsAgo: Int((now - end.at).components.seconds), requests: end.requests)
                })
        }
    }
}
