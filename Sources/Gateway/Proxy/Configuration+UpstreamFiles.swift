import TLS

extension Configuration {
    /// As `load`, and reads the files that upstreams need for TLS; a problem with a file is reported where it is named.
    package static func loadWithUpstreamFiles(path: String) throws(ConfigurationErrors) -> Configuration {
        let (text, folder) = try read(path: path)
        let (configuration, places) = try decodeWithPlaces(
            text: text, file: path, folder: folder, kindOfFile: kindOfFile)
        var diagnostics: [Diagnostic] = []
        for upstream in configuration.upstreams {
            do throws(CertificateProblem) {
                _ = try UpstreamHost.makeSecurity(for: upstream, files: [:])
            } catch {
                diagnostics.append(
                    Diagnostic(
                        file: path, position: places[error.file],
                        message: "upstream \(upstream.name): \(error.description)"))
            }
        }
        guard diagnostics.isEmpty else { throw ConfigurationErrors(diagnostics, in: SourceText(text)) }
        return configuration
    }
}
