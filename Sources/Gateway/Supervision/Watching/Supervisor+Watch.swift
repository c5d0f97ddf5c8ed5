import Transport

/// Replaces certificates and servers of upstreams whose files change, without a request.
///
/// Only the watched files are read again, and only certificates and servers are replaced: a change of the configuration
/// file waits for a reload.
extension Supervisor {
    /// Watches the files of the served configuration; later changes are noticed, and changes since the files were read
    /// are checked.
    func watchFiles() {
        arm()
        if fileWatch != nil { watchSchedule.changed(now: .current()) }
    }

    private func arm() {
        fileWatch = nil
        let files = served.watched.paths
        if files.isEmpty { return }
        do throws(SystemError) {
            let watch = try FolderWatch(WatchedEntries(files, readLink: readLink))
            for (folder, reason) in watch.failures where !unwatched.contains(folder) {
                logger.warning("changes in \(folder) are not noticed: \(reason.description)")
            }
            unwatched = Set(watch.failures.map(\.folder))
            fileWatch = watch
        } catch {
            logger.warning("changes of watched files are not noticed: \(error.description)")
        }
    }

    /// Changed files that are being tried.
    struct FilesUnderWay {
        /// With the files as they were read.
        let material: MaterialArchive
        var trial: WatchTrial
    }

    /// Reads the watched files and, if they differ from the served ones, makes the gateway serve them.
    func lookAtFiles(_ now: Deadline) {
        guard isSteady, reloadUnderWay == nil else { return watchSchedule.postpone(now: now) }
        // Before reading, so that nothing is missed; and again each time, because folders and links may have changed
        // too.
        arm()
        watchSchedule.begin()
        do throws(GatewayError) {
            let archive = try Self.unseal(served.archive)
            let material = archive.refreshed(served.watched.paths, StorageFolders(served.configuration))
            let changes = served.watched.changes(from: archive, to: material)
            if !changes.isEmpty { logger.notice("watched files have changed: using them") }
            filesUnderWay = FilesUnderWay(material: material, trial: WatchTrial(changes))
            tryFiles()
        } catch {
            filesFailed([error.message], now)
        }
    }

    /// Makes the gateway serve the changed files that are to be tried next.
    private func tryFiles() {
        let now = Deadline.current()
        guard let underWay = filesUnderWay else { return }
        guard let files = underWay.trial.next else {
            filesUnderWay = nil
            let failures = underWay.trial.failures
            return failures.isEmpty ? watchSchedule.succeeded(now: now) : filesFailed(failures, now)
        }
        guard isSteady, reloads.command() else {
            // Something else is in progress, after which the files are read again.
            filesUnderWay = nil
            return watchSchedule.postpone(now: now)
        }
        beginReload(.files, asking: ControlRequest.exchangeCertificates) { () throws(GatewayError) in
            let archive = try Self.unseal(served.archive).taking(files, from: underWay.material)
            return served.with(archive: try Self.seal(archive))
        }
    }

    /// Continues with the gateway's result for the files that were tried.
    func filesWereTried(_ outcome: Result<ReloadReport, GatewayError>) {
        switch outcome {
        case .success: filesUnderWay?.trial.succeeded()
        case .failure(.configuration(let reason)): filesUnderWay?.trial.failed(reason)
        case .failure(.runtime(let reason)): filesUnderWay?.trial.abandon(reason)
        }
        tryFiles()
    }

    /// Tries changed files that cannot be used again later; after some attempts, only after a further change.
    private func filesFailed(_ reasons: [String], _ now: Deadline) {
        if let pause = watchSchedule.failed(now: now) {
            for reason in reasons {
                logger.info("\(reason.split(separator: "\n").first ?? ""); trying again in \(pause.milliseconds)ms")
            }
            return
        }
        counters.note(ReloadOutcome(succeeded: false, message: reasons.joined(separator: "\n")))
        informGateway()
        logger.warning("some of the changed files cannot be used; they are tried again when they change")
        for line in reasons.joined(separator: "\n").split(separator: "\n") { logger.error("\(line)") }
    }
}
