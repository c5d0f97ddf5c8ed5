import Yams

/// A file of the servers of an upstream, in YAML or JSON: a list as `servers` of the configuration has it, which may be
/// empty.
enum ServersFile {
    /// Balancers look at each server, and each is checked by itself.
    static let maximumServers = 1024
    static let maximumBytes = 1 << 20

    /// The servers in the file.
    ///
    /// Errors: every mistake in the file together.
    static func decode(_ bytes: [UInt8], file: String) throws(ConfigurationErrors) -> [ServerConfiguration] {
        guard bytes.count <= maximumBytes else {
            throw ConfigurationErrors(
                file: file, message: "a file of servers has at most \(maximumBytes >> 10) KiB, this one has more")
        }
        guard let text = String(validating: bytes.withoutByteOrderMark, as: UTF8.self) else {
            throw ConfigurationErrors(file: file, message: "the file of servers is not UTF-8 text")
        }
        let source = SourceText(text)
        let document: YAMLDocument
        do throws(YAMLSyntaxError) {
            document = try YAMLDocument(source)
        } catch {
            throw ConfigurationErrors(
                [Diagnostic(file: file, position: error.position, message: error.message)], in: source)
        }
        let folder = String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
        let context = DecodingContext(
            file: file, folder: folder, repeatedKeys: document.repeatedKeys, kindOfFile: Configuration.kindOfFile)
        // Nothing is more probably a file that is being written than a list without servers.
        let root = document.root ?? Node.scalar(Node.Scalar("", .implicit, .plain, nil))
        let servers = decode(root, context)
        guard context.diagnostics.isEmpty else { throw ConfigurationErrors(context.diagnostics, in: source) }
        return servers.map(\.value)
    }

    private static func decode(_ root: Node, _ context: DecodingContext) -> [Located<ServerConfiguration>] {
        guard case .sequence(let sequence) = root else {
            context.report("expected a list of servers, found \(root.found)", at: root)
            return []
        }
        guard sequence.count <= maximumServers else {
            context.report(
                "a file of servers has at most \(maximumServers), this one has \(sequence.count)", at: root)
            return []
        }
        let servers = sequence.compactMap { node in
            ValueDecoder<Located<ServerConfiguration>>.located(.server).decode(node, context)
        }
        reportRepeatedServers(servers, context)
        return servers
    }
}

extension Configuration {
    /// With the servers of the files that upstreams name; where a file has none, with the configured ones.
    ///
    /// - Parameter read: the bytes of the file at an absolute path, or the reason why it cannot be read.
    func takingServers(
        _ read: (String) throws(SystemError) -> [UInt8]
    ) throws(ConfigurationErrors) -> Configuration {
        var configuration = self
        for index in upstreams.indices {
            guard let file = upstreams[index].serversFile else { continue }
            let bytes: [UInt8]
            do throws(SystemError) {
                bytes = try read(file)
            } catch {
                throw ConfigurationErrors(
                    file: file,
                    message: "cannot read the servers of upstream \(upstreams[index].name): \(error.description)")
            }
            let servers = try ServersFile.decode(bytes, file: file)
            configuration.upstreams[index].servers = servers.isEmpty ? upstreams[index].ownServers : servers
        }
        return configuration
    }
}
