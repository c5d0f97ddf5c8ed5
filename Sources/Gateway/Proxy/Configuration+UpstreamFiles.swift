import TLS

extension Configuration {
    /// As `load`, and reads the files of upstreams: those with servers, and those for TLS. A problem with the latter is
    /// reported where the file is named.
    package static func loadWithUpstreamFiles(path: String) throws(ConfigurationErrors) -> Configuration {
        let (text, folder) = try read(path: path)
        let (decoded, places) = try decodeWithPlaces(
            text: text, file: path, folder: folder, kindOfFile: kindOfFile)
        let configuration = try decoded.takingServers { file throws(SystemError) in
            try readFile(file, atMost: ServersFile.maximumBytes)
        }
        var diagnostics: [Diagnostic] = []
        for upstream in configuration.upstreams {
            do throws(CertificateProblem) {
                _ = try UpstreamHost.makeSecurity(for: upstream, files: [:])
                if let etcd = upstream.etcd { _ = try EtcdSource.security(of: etcd, files: [:]) }
            } catch {
                diagnostics.append(
                    Diagnostic(
                        file: path, position: places[error.file],
                        message: "upstream \(upstream.name): \(error.description)"))
            }
        }
        for engine in configuration.shared {
            do throws(GatewayError) {
                _ = try SharedEngineHost.access(of: engine, files: [:])
            } catch {
                let file = engine.files.first { error.message.contains($0) }
                diagnostics.append(
                    Diagnostic(file: path, position: file.flatMap { places[$0] }, message: error.message))
            }
        }
        guard diagnostics.isEmpty else { throw ConfigurationErrors(diagnostics, in: SourceText(text)) }
        return configuration
    }
}
