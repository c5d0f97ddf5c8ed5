import Transport

/// Certificates whose files change are exchanged without being asked for.
///
/// Only the watched files are read anew, and only certificates are exchanged: a configuration file that somebody is
/// editing waits for a reload.
extension Supervisor {
    /// Watches what the configuration being served says; what changes from now on is noticed, and what has changed since
    /// it was read is looked at.
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
            logger.warning("changes of certificates are not noticed: \(error.description)")
        }
    }

    /// Changed files that are being put to use.
    struct FilesUnderWay {
        /// With the files as they were read.
        let material: MaterialArchive
        var trial: WatchTrial
    }

    /// Reads the watched files and, when they are not what is served, has the gateway serve them.
    func lookAtFiles(_ now: Deadline) {
        guard isSteady, reloadUnderWay == nil else { return watchSchedule.postpone(now: now) }
        // Before reading, so that nothing is missed; and anew, because what is a folder or a link may have changed too.
        arm()
        watchSchedule.begin()
        do throws(GatewayError) {
            let archive = try Self.unseal(served.archive)
            let material = archive.refreshed(served.watched.paths)
            let changes = served.watched.changes(from: archive, to: material)
            if !changes.isEmpty { logger.notice("files with certificates have changed: exchanging them") }
            filesUnderWay = FilesUnderWay(material: material, trial: WatchTrial(changes))
            tryFiles()
        } catch {
            filesFailed([error.message], now)
        }
    }

    /// Has the gateway serve the changed files that are to be tried next.
    private func tryFiles() {
        let now = Deadline.current()
        guard let underWay = filesUnderWay else { return }
        guard let files = underWay.trial.next else {
            filesUnderWay = nil
            let failures = underWay.trial.failures
            return failures.isEmpty ? watchSchedule.succeeded(now: now) : filesFailed(failures, now)
        }
        guard isSteady, reloads.command() else {
            // Something else is under way, after which the files are read anew.
            filesUnderWay = nil
            return watchSchedule.postpone(now: now)
        }
        beginReload(.files, asking: ControlRequest.exchangeCertificates) { () throws(GatewayError) in
            let archive = try Self.unseal(served.archive).taking(files, from: underWay.material)
            return served.with(archive: try Self.seal(archive))
        }
    }

    /// Goes on with what the gateway said about the files that were tried.
    func filesWereTried(_ outcome: Result<ReloadReport, GatewayError>) {
        switch outcome {
        case .success: filesUnderWay?.trial.succeeded()
        case .failure(.configuration(let reason)): filesUnderWay?.trial.failed(reason)
        case .failure(.runtime(let reason)): filesUnderWay?.trial.abandon(reason)
        }
        tryFiles()
    }

    /// Gives changed files that cannot be used another chance; after some, only a further change helps.
    private func filesFailed(_ reasons: [String], _ now: Deadline) {
        if let pause = watchSchedule.failed(now: now) {
            for reason in reasons {
                logger.info("\(reason.split(separator: "\n").first ?? ""); trying again in \(pause.milliseconds)ms")
            }
            return
        }
        counters.failedReloads += 1
        logger.warning("some of the changed files cannot be used; they are tried again when they change")
        for line in reasons.joined(separator: "\n").split(separator: "\n") { logger.error("\(line)") }
    }
}
