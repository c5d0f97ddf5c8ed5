import HTTP
import Logging
import Synchronization
import Transport

/// What one worker serves: its listeners, and the sites of each.
///
/// Used by its worker's thread only, once that runs.
final class WorkerServer: @unchecked Sendable {
    let worker: Worker
    let requests = RequestCounter()
    /// Connections accepted.
    let accepted = RequestCounter()
    let handshakes = HandshakeMetrics()
    private let currentMetrics = Mutex<RequestMetrics?>(nil)
    private let admission: Admission
    private let clients: ClientConnections
    private let rejected: ReasonLog
    private let cut: ReasonLog
    private let faults: ReasonLog
    private let acceptorLogs: AcceptorLogs
    private let adminLogs: AcceptorLogs
    private var accessLogs: AccessLogs?
    private let slowWatch: SlowWatch
    private var recorder: FlightRecorder?
    private var ports: [String: Port] = [:]
    // The admin listener answers when the others are full, and what it is asked counts as no request.
    private let adminAdmission = Admission(limit: adminConnections)
    private let adminClients = ClientConnections(limit: .max)
    private let adminRequests = RequestCounter()

    /// Connections of the admin listener on each worker.
    private static let adminConnections = 64

    private struct Port {
        let isAdmin: Bool
        let service: HTTPService
        let router: SiteRouter
        let acceptor: Acceptor
        var listeners: [Listener] = []
    }

    init(_ worker: Worker, admission: Admission, clients: ClientConnections, logger: Logger) {
        self.worker = worker
        self.admission = admission
        self.clients = clients
        slowWatch = SlowWatch(worker)
        faults = ReasonLog("HTTP/2 connection ended", logger: logger, worker: worker)
        cut = ReasonLog("response cut", logger: logger, worker: worker)
        rejected = ReasonLog("request refused", logger: logger, worker: worker)
        acceptorLogs = AcceptorLogs(
            refused: ReasonLog("connection refused", logger: logger, worker: worker),
            handshakes: ReasonLog("TLS handshake failed", logger: logger, worker: worker),
            completedHandshakes: handshakes, accepted: accepted)
        adminLogs = AcceptorLogs(
            refused: acceptorLogs.refused, handshakes: acceptorLogs.handshakes,
            completedHandshakes: HandshakeMetrics(), accepted: RequestCounter())
    }

    /// The requests of this worker, if they are counted; from any thread.
    var metrics: RequestMetrics? { currentMetrics.withLock { $0 } }

    /// The counts go on, unless the buckets are others.
    private func updateMetrics(_ plan: MetricsPlan?) {
        currentMetrics.withLock { metrics in
            if let plan, metrics?.buckets == plan.buckets { return }
            metrics = plan.map { RequestMetrics(buckets: $0.buckets, worker: worker) }
        }
    }

    /// What was recorded stays, unless nothing is recorded any more.
    private func updateRecorder(_ settings: RecorderConfiguration?) {
        guard let settings else { return recorder = nil }
        if let recorder { recorder.configure(settings) } else { recorder = FlightRecorder(settings, worker: worker) }
    }

    /// Looks recorded requests up; on the worker's thread.
    func collect(_ query: TraceQuery) -> CollectedRecords {
        var collected = recorder?.collect(query) ?? CollectedRecords(last: 0)
        collected.worker = worker.index
        return collected
    }

    /// How often clients were refused or cut off since the start; from any thread.
    var refusals: [RefusalCount] {
        [rejected, cut, faults, acceptorLogs.refused, acceptorLogs.handshakes].flatMap(\.totals)
    }

    /// Serves `generation` from now on: from the next request of every connection and the next handshake of every
    /// listener.
    ///
    /// - Parameter sockets: addresses that are new; those of existing listeners are not affected.
    func apply(_ generation: Generation, adding sockets: [BoundSocket], removing removed: Set<String>) {
        let logs = generation.accessLogs
        accessLogs = logs.targets.isEmpty ? nil : AccessLogs(logs, worker: worker)
        slowWatch.serve(logs)
        updateMetrics(generation.metrics)
        updateRecorder(generation.recorder)
        for (name, port) in ports where generation.ports[name]?.isAdmin != port.isAdmin {
            for listener in port.listeners { listener.close() }
            port.service.retire()
            ports[name] = nil
        }
        for (name, answer) in generation.ports {
            if let port = ports[name], port.isAdmin == answer.isAdmin {
                port.router.serve(
                    answer.sites[worker.index], accessLogs: answer.isAdmin ? nil : accessLogs,
                    metrics: answer.isAdmin ? nil : metrics)
                port.router.challenges = answer.httpChallenges
                port.service.limits = generation.limits
                port.service.requestIDs = generation.requestIDs
                port.service.traceContexts = answer.isAdmin ? nil : generation.traceContexts
                port.service.trustedProxies = answer.trusted
                port.acceptor.serve(AcceptorRules(answer, generation))
            } else {
                ports[name] = makePort(answer, generation)
            }
        }
        for (name, port) in ports where !port.isAdmin {
            port.router.observe(
                keepingTimes: logs.needsTimes || recorder != nil, slow: logs.slow == nil ? nil : slowWatch,
                recorder: recorder, listener: name)
        }
        for address in removed { closeListeners(at: address) }
        for bound in sockets {
            guard let port = ports[bound.listener] else { continue }
            ports[bound.listener]?.listeners.append(Listener(bound.socket, on: worker, delegate: port.acceptor))
        }
    }

    private func makePort(_ answer: Generation.Port, _ generation: Generation) -> Port {
        let router = SiteRouter(
            answer.sites[worker.index], accessLogs: answer.isAdmin ? nil : accessLogs,
            metrics: answer.isAdmin ? nil : metrics, refusals: rejected, cuts: cut, faults: faults,
            requests: answer.isAdmin ? adminRequests : requests)
        router.challenges = answer.httpChallenges
        let service = HTTPService(worker: worker, limits: generation.limits, router: router)
        service.requestIDs = generation.requestIDs
        service.traceContexts = answer.isAdmin ? nil : generation.traceContexts
        service.trustedProxies = answer.trusted
        let clients = answer.isAdmin ? adminClients : clients
        service.clients = clients
        let plainService = HTTPService(
            worker: worker, limits: generation.limits, router: PlainHTTPRefusal(router))
        let acceptor = Acceptor(
            service: service, plainService: plainService, rules: AcceptorRules(answer, generation),
            admission: answer.isAdmin ? adminAdmission : admission, clients: clients,
            logs: answer.isAdmin ? adminLogs : acceptorLogs)
        return Port(isAdmin: answer.isAdmin, service: service, router: router, acceptor: acceptor)
    }

    private func closeListeners(at address: String) {
        for (name, port) in ports {
            let (closing, staying) = port.listeners.reduce(into: ([Listener](), [Listener]())) { parts, listener in
                if listener.address.description == address {
                    parts.0.append(listener)
                } else {
                    parts.1.append(listener)
                }
            }
            for listener in closing { listener.close() }
            ports[name]?.listeners = staying
        }
    }

    /// Accepts no more connections, and lets connections end after their current request.
    ///
    /// - Parameters:
    ///   - isReplaced: whether another process serves instead; otherwise the admin listener goes on until `stop`.
    ///   - drained: called once, on the worker's thread, when there is no connection any more.
    func drain(isReplaced: Bool, _ drained: @escaping @Sendable () -> Void) {
        if !isReplaced {
            for port in ports.values where !port.isAdmin { for listener in port.listeners { listener.acceptWaiting() } }
        }
        closeListeners { isReplaced || !$0.isAdmin }
        worker.drain(drained)
    }

    /// Ends the worker's loop behind the last connection.
    func stop() {
        closeListeners { _ in true }
        worker.stop()
    }

    /// The worker's loop has ended; on its thread. Connections are accepted by workers that still run only.
    ///
    /// What was served is released: the thread may go on for a while, inside the DllMain of an extension.
    func end() {
        closeListeners { _ in true }
        ports = [:]
    }

    private func closeListeners(of isMeant: (Port) -> Bool) {
        for (name, port) in ports where isMeant(port) {
            for listener in port.listeners { listener.close() }
            ports[name]?.listeners = []
        }
    }
}
