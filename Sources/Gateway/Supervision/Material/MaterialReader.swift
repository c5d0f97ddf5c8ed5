import Glibc

extension MaterialArchive {
    /// Reads a configuration file and every file with certificates or keys that it names.
    ///
    /// - Parameter workerCount: nil for the configured number.
    /// - Returns: the archive and the configuration in it. A file with a key that cannot be read is left out, so that
    ///   the loader of certificates reports all mistakes together.
    static func read(
        _ path: String, workerCount: Int?
    ) throws(GatewayError) -> (archive: MaterialArchive, configuration: Configuration) {
        do throws(ConfigurationErrors) {
            let (text, folder) = try Configuration.read(path: path)
            let configuration = try Configuration.decode(
                text: text, file: path, folder: folder, kindOfFile: Configuration.kindOfFile)
            var archive = MaterialArchive(
                configurationFile: path, folder: folder, configurationText: text,
                workerCount: workerCount ?? configuration.workerCount, files: [:])
            archive = archive.refreshed(configuration.filesWithCertificatesOrKeys, StorageFolders(configuration))
            // What was kept must not prevent a start; the servers are learned again.
            for file in configuration.upstreams.filter({ $0.etcd != nil }).compactMap(\.serversFile) {
                guard let bytes = archive.files[file] else { continue }
                if (try? ServersFile.decodeNamed(bytes, file: file)) == nil { archive.files[file] = nil }
            }
            return (archive, try archive.supplyingServers(to: configuration))
        } catch {
            throw .configuration(error.description)
        }
    }

    /// The same configuration with some of its files read again.
    func refreshed(_ paths: [String], _ storages: StorageFolders) -> MaterialArchive {
        var archive = self
        for file in paths {
            archive.files[file] = try? readFile(
                file, atMost: Self.maximumFileBytes, ownedBy: storages.owner(of: file))
        }
        return archive
    }

    /// The same configuration with some of its files taken from another archive.
    func taking(_ paths: Set<String>, from other: MaterialArchive) -> MaterialArchive {
        var archive = self
        for path in paths { archive.files[path] = other.files[path] }
        return archive
    }

    private func supplyingServers(to configuration: Configuration) throws(ConfigurationErrors) -> Configuration {
        try configuration.takingServers(stored: { files[$0] }) { file throws(SystemError) in
            // The reason why it could not be read is not in the archive.
            if let bytes = files[file] { bytes } else { try readFile(file, atMost: Self.maximumFileBytes) }
        }
    }

    /// Large enough for a large revocation list.
    private static let maximumFileBytes = 16 << 20

    /// The configuration in the archive; a file in the archive counts as existing, whatever this process may read.
    func configuration() throws(GatewayError) -> Configuration {
        do throws(ConfigurationErrors) {
            let configuration = try Configuration.decode(
                text: configurationText, file: configurationFile, folder: folder
            ) { path in
                files[path] != nil ? .file : Configuration.kindOfFile(path)
            }
            return try supplyingServers(to: configuration)
        } catch {
            throw .configuration(error.description)
        }
    }
}

extension Configuration {
    /// Absolute paths, each once; with those of servers.
    var filesWithCertificatesOrKeys: [String] {
        let files = sites.flatMap(\.certificates).flatMap(\.files) + furtherFiles + upstreams.compactMap(\.serversFile)
        return Set(files).sorted()
    }

    /// The files whose changes have to be noticed.
    var watchedFiles: WatchedFiles {
        let certificates = sites.flatMap(\.certificates).filter { $0.isWatched ?? isWatching }
        let others = upstreams.compactMap(\.serversFile) + (isWatching ? furtherFiles : [])
        return WatchedFiles(groups: certificates.map(\.files) + others.map { [$0] })
    }

    /// Files of client authorities, session tickets, upstreams and engines of shared limits.
    private var furtherFiles: [String] {
        let clients = sites.compactMap(\.clientCertificates)
        let optional = clients.map(\.revocations) + listeners.map { $0.tls?.ticketKeys }
        return clients.map(\.authorities) + optional.compactMap { $0 } + upstreams.flatMap(\.files)
            + upstreams.flatMap { $0.etcd?.files ?? [] }
            + shared.flatMap(\.files)
            + acme.flatMap { [$0.authorities, $0.binding?.keyFile, $0.storageKeyFile].compactMap { $0 } }
            + acme.flatMap { $0.sharedStorage?.redis.files ?? [] }
    }
}

extension CertificateConfiguration {
    var files: [String] {
        var authorityFile: String?
        if case .file(let path) = authorities { authorityFile = path }
        return [chain, key] + [passphraseFile, ocsp, authorityFile].compactMap { $0 }
    }
}

extension EtcdConfiguration {
    /// Absolute paths of all files it names.
    var files: [String] { tls.files + [user?.passwordFile].compactMap { $0 } }
}
