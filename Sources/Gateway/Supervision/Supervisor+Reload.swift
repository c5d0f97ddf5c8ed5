import Transport

extension Supervisor {
    /// A reload that the gateway is executing.
    struct ReloadUnderWay {
        let id: Int
        let candidate: Served
        /// The new control socket, which already listens, if the reload changes it.
        let admin: AdminServer?
        var cause: ReloadCause
        /// When the client is answered that it takes too long; the result counts whenever it arrives.
        var deadline: Deadline
    }

    enum ReloadCause {
        case signal
        /// A client of the control socket waits for the result.
        case command(client: Int)
        /// The client was answered that it takes too long.
        case abandonedCommand
        /// Watched files have changed.
        case files
    }

    /// For loading extensions and trying certificates.
    private static let reloadLimit = Delay.seconds(90)

    /// Reads everything again and makes the gateway serve it; the queue has been consulted before.
    func beginReload(_ cause: ReloadCause) {
        guard isReloadable else {
            // The obstacle ends in `announceReady`, which resumes the reload.
            return reloads.postpone()
        }
        logger.notice("reloading \(configurationFile)")
        beginReload(cause, asking: ControlRequest.reload) { () throws(GatewayError) in try readAndBind() }
    }

    /// Makes the gateway serve a candidate.
    func beginReload(
        _ cause: ReloadCause, asking request: (_ id: Int) -> ControlRequest,
        for makeCandidate: () throws(GatewayError) -> Served
    ) {
        serviceManager.notify(.reloading)
        do throws(GatewayError) {
            let candidate = try makeCandidate()
            keepFromPools(candidate.configuration)
            StorageFolders(candidate.configuration).make()
            let moved = try movedAdminServer(candidate.configuration)
            let id = makeIdentifier()
            reloadUnderWay = ReloadUnderWay(
                id: id, candidate: candidate, admin: moved, cause: cause,
                deadline: Deadline.current().advanced(by: Self.reloadLimit))
            guard let current else {
                adopt(candidate, moved)
                finishReload(id, .success(ReloadReport(generation: 1, changes: ["a gateway process is started"])))
                return launch()
            }
            do throws(SystemError) {
                try hand(candidate, to: current, request(id))
            } catch {
                finishReload(id, .failure(.runtime("the gateway process cannot be reached: \(error.description)")))
            }
        } catch {
            conclude(.failure(error), cause)
        }
    }

    private func readAndBind() throws(GatewayError) -> Served {
        let (archive, configuration) = try MaterialArchive.read(configurationFile, workerCount: binder.workerCount)
        return Served(
            configuration: configuration, archive: try Self.seal(archive),
            plan: try binder.bind(configuration.listeners))
    }

    private func movedAdminServer(_ configuration: Configuration) throws(GatewayError) -> AdminServer? {
        guard let path = configuration.admin.socket, path != admin?.path else { return nil }
        return try AdminServer(path: path)
    }

    func finishReload(_ id: Int, _ outcome: Result<ReloadReport, GatewayError>) {
        guard let underWay = reloadUnderWay, underWay.id == id else { return }
        reloadUnderWay = nil
        if case .success = outcome { adopt(underWay.candidate, underWay.admin) } else { underWay.admin?.remove() }
        conclude(outcome, underWay.cause)
    }

    private func adopt(_ candidate: Served, _ moved: AdminServer?) {
        binder.keep(candidate.plan)
        served = candidate
        logger = candidate.configuration.log.makeLogger()
        if moved != nil || candidate.configuration.admin.socket == nil {
            // A client that waits for this reload is still connected to the old one.
            retiredAdmin = admin
            admin?.remove()
            admin = moved
        }
        watchFiles()
    }

    private func conclude(_ outcome: Result<ReloadReport, GatewayError>, _ cause: ReloadCause) {
        var response: AdminResponse
        switch outcome {
        case .success(let report):
            response = AdminResponse(.done, "serving generation \(report.generation) of the configuration")
            counters.note(ReloadOutcome(succeeded: true, message: response.message, changes: report.changes))
            response.reload = report
            logger.notice("reload: \(response.message)")
        case .failure(let error):
            response = AdminResponse(error)
            if case .files = cause { break }
            counters.note(ReloadOutcome(succeeded: false, message: response.message))
            // The answer to a request, each time; and a report of several lines is not to have gaps.
            let whole = StandardErrorLog.counted
            logger.error(
                "reload failed, everything stays as it was (\(Condition.Word.reloadRefused.rawValue))", metadata: whole)
            for line in error.message.split(separator: "\n") { logger.error("\(line)", metadata: whole) }
        }
        informGateway()
        if case .command(let client) = cause { (retiredAdmin ?? admin)?.respond(response, to: client) }
        retiredAdmin = nil
        if reloads.finished() { reloads.postpone() }
        announceReady()
        if case .files = cause { filesWereTried(outcome) }
        giveBackFreeMemory()
    }

    /// The gateway that was executing the reload has ended.
    func failReload(_ reason: String) {
        guard let underWay = reloadUnderWay else { return }
        finishReload(underWay.id, .failure(.runtime(reason)))
    }

    func makeIdentifier() -> Int {
        defer { nextIdentifier += 1 }
        return nextIdentifier
    }
}
