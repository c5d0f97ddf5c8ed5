import Glibc
import ISAPI
import Transport

extension Supervisor {
    /// A client of the control socket that waits for data of the gateway process.
    struct Query {
        enum Subject {
            case status, certificates, pools, poolCommand, trace
        }

        let client: Int
        let subject: Subject
        let deadline: Deadline
    }

    private static let queryLimit = Delay.seconds(5)

    func handle(_ request: AdminRequest, of client: Int) {
        switch request.command {
        case .reload:
            if isReloadable && reloads.command() {
                beginReload(.command(client: client))
            } else {
                admin?.respond(
                    AdminResponse(.busy, "a reload is under way, or the gateway is starting or stopping"), to: client)
            }
        case .status: ask(.status, for: client)
        case .certs: ask(.certificates, for: client)
        case .stop:
            endWaiters.append(client)
            end("stop command", within: served.configuration.drain.grace)
        case .drain:
            endWaiters.append(client)
            end("drain command", within: nil)
        case .reopen:
            reopenLogs()
            admin?.respond(AdminResponse(.done, "the log files are opened anew"), to: client)
        case .pools: ask(.pools, for: client)
        case .configuration: answerConfiguration(client)
        case .trace:
            let filter = request.trace ?? TraceFilter()
            ask(.trace, for: client, within: Self.queryLimit) { .trace(id: $0, filter) }
        case .acme:
            guard let command = request.acme else {
                return admin?.respond(AdminResponse(.refused, "the command does not say what to do"), to: client) ?? ()
            }
            ask(.poolCommand, for: client, within: Self.poolCommandLimit) { .acme(id: $0, command) }
        case .recyclePool, .startPool:
            guard let pool = request.pool else {
                return admin?.respond(AdminResponse(.refused, "the command needs a pool"), to: client) ?? ()
            }
            let command = request.command == .startPool ? PoolCommand.start : .recycle
            ask(.poolCommand, for: client, within: Self.poolCommandLimit) { .poolCommand(id: $0, command, pool: pool) }
        }
    }

    private func answerConfiguration(_ client: Int) {
        var response: AdminResponse
        do throws(GatewayError) {
            response = AdminResponse(.done, "serving \(configurationFile)")
            response.configuration = ServedConfiguration(try Self.unseal(served.archive))
        } catch {
            response = AdminResponse(error)
        }
        admin?.respond(response, to: client)
    }

    /// A new process of a pool may take its start limit, of which there are two minutes for the client.
    private static let poolCommandLimit = Delay.seconds(110)

    private func ask(_ subject: Query.Subject, for client: Int) {
        ask(subject, for: client, within: Self.queryLimit) { id in
            switch subject {
            case .status: .status(id: id)
            case .certificates: .certificates(id: id)
            case .pools, .poolCommand, .trace: .pools(id: id)
            }
        }
    }

    private func ask(
        _ subject: Query.Subject, for client: Int, within limit: Delay, _ request: (Int) -> ControlRequest
    ) {
        guard let answering = current.flatMap({ $0.role == .serving ? $0 : nil }) ?? drainingChild else {
            return answerWithoutGateway(
                subject, client,
                isEnding ? "draining: the gateway finishes the requests it has" : "no gateway process serves")
        }
        let id = makeIdentifier()
        queries[id] = Query(client: client, subject: subject, deadline: Deadline.current().advanced(by: limit))
        send(to: answering, request(id))
    }

    /// The process whose connections are finishing, when no other will serve.
    private var drainingChild: Child? { isEnding ? children.first { $0.role == .ending } : nil }

    func answer(_ id: Int, _ pools: [ProcessPoolStatus]) {
        guard let query = queries.removeValue(forKey: id) else { return }
        var response = AdminResponse(.done, "\(pools.count) pools")
        response.pools = pools
        admin?.respond(response, to: query.client)
    }

    /// - Parameter report: nil where requests are not recorded.
    func answer(_ id: Int, _ report: TraceReport?) {
        guard let query = queries.removeValue(forKey: id) else { return }
        guard let report else {
            let text = "requests are not recorded: add the section recorder to the configuration file, and reload"
            return admin?.respond(AdminResponse(.failed, text), to: query.client) ?? ()
        }
        var response = AdminResponse(.done, "\(report.records.count) requests")
        response.trace = report
        admin?.respond(response, to: query.client)
    }

    /// A command about a pool was carried out, or could not be.
    func answer(_ id: Int, isDone: Bool, _ text: String) {
        guard let query = queries.removeValue(forKey: id) else { return }
        admin?.respond(AdminResponse(isDone ? .done : .failed, text), to: query.client)
    }

    func answer(_ id: Int, _ status: GatewayStatus) {
        guard let query = queries.removeValue(forKey: id) else { return }
        var response = AdminResponse(.done, "serving")
        response.status = report(status)
        admin?.respond(response, to: query.client)
    }

    func answer(_ id: Int, _ certificates: [CertificateSummary]) {
        guard let query = queries.removeValue(forKey: id) else { return }
        var response = AdminResponse(.done, "\(certificates.count) certificates")
        response.certificates = certificates
        admin?.respond(response, to: query.client)
    }

    private func answerWithoutGateway(_ subject: Query.Subject, _ client: Int, _ reason: String) {
        var response = AdminResponse(.failed, reason)
        if subject == .status { response.status = report(nil) }
        admin?.respond(response, to: client)
    }

    private func report(_ gateway: GatewayStatus?) -> SupervisorStatus {
        SupervisorStatus(facts, gateway: gateway)
    }

    private var facts: SupervisorFacts {
        SupervisorFacts(
            pid: getpid(), counters: counters, drainingProcesses: children.count { $0.role == .ending },
            isLeaving: leaving != nil)
    }

    /// Has the gateway process report what has changed here.
    func informGateway() {
        guard let current, current.role == .serving else { return }
        send(to: current, .supervisor(facts))
    }

    /// The gateway process that received the query has ended.
    func failQueries(_ reason: String) {
        for query in queries.values { answerWithoutGateway(query.subject, query.client, reason) }
        queries = [:]
    }

    /// Answers clients whose result does not arrive in time.
    func abandonWaiting(_ now: Deadline) {
        for (id, query) in queries where query.deadline <= now {
            queries[id] = nil
            answerWithoutGateway(query.subject, query.client, "the gateway process does not answer")
        }
        if let underWay = reloadUnderWay, underWay.deadline <= now {
            reloadUnderWay?.deadline = .never
            guard case .command(let client) = underWay.cause else { return }
            reloadUnderWay?.cause = .abandonedCommand
            admin?.respond(AdminResponse(.failed, "the reload takes longer than expected and goes on"), to: client)
        }
    }
}
