import TLS

/// What one upstream wants to learn, and where its servers are kept.
struct EtcdSource: Sendable, Equatable {
    let upstream: String
    let configuration: EtcdConfiguration
    /// The file of the last known servers, as an absolute path.
    let file: String
    /// The files that the configuration names, which were read with the rights of the supervisor.
    let files: [String: [UInt8]]

    /// Nil without TLS.
    ///
    /// - Parameter files: the files read beforehand, by absolute path; others are read now.
    static func security(
        of configuration: EtcdConfiguration, files: [String: [UInt8]]
    ) throws(CertificateProblem) -> TLSClientContext? {
        guard configuration.isSecure else { return nil }
        let reader: FileReader = { path throws(CertificateProblem) in
            if let bytes = files[path] { return bytes }
            return try CertificateFileSystem.read(path)
        }
        return try TLSClientContext(TLSClientContext.Settings(configuration.tls), readFile: reader)
    }
}

/// What the configuration wants to have learned from etcd.
struct EtcdPlan: Sendable {
    let sources: [EtcdSource]
    /// The files of last known servers that there are, by absolute path.
    let stored: [String: [UInt8]]

    init(_ configuration: Configuration, files: [String: [UInt8]]) {
        var sources: [EtcdSource] = []
        var stored: [String: [UInt8]] = [:]
        for upstream in configuration.upstreams {
            guard let etcd = upstream.etcd, let file = upstream.serversFile else { continue }
            let own = Set(etcd.files)
            sources.append(
                EtcdSource(
                    upstream: upstream.name, configuration: etcd, file: file,
                    files: files.filter { own.contains($0.key) }))
            stored[file] = files[file]
        }
        self.sources = sources
        self.stored = stored
    }
}
