import Synchronization
import Transport

/// Checks one server at intervals, from one worker; the results count for all workers.
package final class HealthChecker: Sendable {
    private let server: ServerState
    private let check: HealthCheck
    private let isStopped = Atomic(false)

    package init(server: ServerState, check: HealthCheck) {
        self.server = server
        self.check = check
    }

    /// Prevents further checks.
    package func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    /// Checks until it is stopped or the gateway drains; on the worker of `upstream`, as a separate task.
    package func run(_ upstream: Upstream, _ reporter: any ProxyReporter) async {
        guard let pause = Endpoint.pausing(on: upstream.worker) else { return }
        defer { pause.close() }
        // The first checks of all servers are spread over one period, as later ones are by the jitter.
        var next = upstream.worker.now.advanced(by: .milliseconds(.random(in: 0...check.every.milliseconds / 4)))
        while await passes(until: next, pause), !isStopped.load(ordering: .relaxed), !upstream.isRetired,
            let checked = upstream.server(of: server)
        {
            let outcome = await HealthProbe(upstream, checked, check).run()
            let now = upstream.worker.now
            if upstream.state.checked(server, passed: outcome == .passed, at: now) {
                reporter.checked(checked.name, upstream: upstream.settings.name, outcome)
            }
            next = now.advanced(by: .milliseconds(check.jittered))
        }
    }

    /// False when the gateway drains or stops instead.
    private func passes(until deadline: Deadline, _ pause: Endpoint) async -> Bool {
        while !pause.worker.isDraining {
            switch await pause.wait(for: .signal | .drain, until: deadline) {
            case .deadline: return true
            case .aborted: return false
            case .ready, .signalled, .draining, .hangup: continue
            }
        }
        return false
    }
}

/// The request to a server, and the required response.
package struct HealthCheck: Sendable, Equatable {
    /// The path of a request; nil when a connection, with TLS if the server uses it, is sufficient.
    package var path: String?
    /// The Host of the request; nil for the server's name.
    package var host: String?
    package var statuses: ClosedRange<Int> = 200...399
    /// What the body must contain, in its first 64 KiB.
    package var body: [UInt8]?
    package var every = Delay.seconds(5)
    package var timeout = Delay.seconds(1)

    package init() {}

    /// The time to the next check, a tenth shorter or longer, so that gateways do not check synchronously.
    fileprivate var jittered: UInt64 {
        let tenth = every.milliseconds / 10
        return .random(in: every.milliseconds - tenth...every.milliseconds + tenth)
    }
}

/// The result of a check.
package enum CheckOutcome: Equatable, Sendable {
    case passed
    case noAddress, noConnection, timeout, noResponse, wrongStatus(Int), wrongBody

    package var reason: String {
        switch self {
        case .passed: "passed"
        case .noAddress: "no address"
        case .noConnection: "no connection"
        case .timeout: "no answer in time"
        case .noResponse: "no HTTP response"
        case .wrongStatus(let status): "status \(status)"
        case .wrongBody: "body without the text looked for"
        }
    }
}
