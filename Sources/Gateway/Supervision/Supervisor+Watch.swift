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
        let files = served.configuration.watchedFiles
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

    /// Reads the watched files and, when they are not what is served, has the gateway serve them.
    func lookAtFiles(_ now: Deadline) {
        guard isSteady, reloadUnderWay == nil else { return watchSchedule.postpone(now: now) }
        // Before reading, so that nothing is missed; and anew, because what is a folder or a link may have changed too.
        arm()
        watchSchedule.begin()
        do throws(GatewayError) {
            guard let archive = try Self.unseal(served.archive).refreshed(served.configuration.watchedFiles) else {
                return watchSchedule.succeeded(now: now)
            }
            guard reloads.command() else { return watchSchedule.postpone(now: now) }
            logger.notice("files with certificates have changed: exchanging them")
            beginReload(.files, asking: ControlRequest.exchangeCertificates) { () throws(GatewayError) in
                Served(configuration: served.configuration, archive: try Self.seal(archive), plan: served.plan)
            }
        } catch {
            _ = filesAreTriedAgain(error)
        }
    }

    /// Whether the changed files, which cannot be used, are given another chance; else only a further change helps.
    func filesAreTriedAgain(_ error: GatewayError) -> Bool {
        guard let pause = watchSchedule.failed(now: .current()) else {
            logger.warning("the changed files cannot be used; they are tried again when they change")
            return false
        }
        let reason = error.message.split(separator: "\n").first ?? ""
        logger.info("\(reason); trying again in \(pause.milliseconds)ms")
        return true
    }
}
