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
        try read(bytes, file: file) { root, context in decode(root, context).map(\.value) }
    }

    /// A server that something else than a file knows, in the form of an element of the list.
    ///
    /// - Parameter name: what messages name in place of a file; relative paths of sockets are below its folder.
    ///
    /// Errors: every mistake together.
    static func decodeServer(_ bytes: [UInt8], name: String) throws(ConfigurationErrors) -> ServerConfiguration {
        let server = try read(bytes, file: name) { root, context in
            ValueDecoder<ServerConfiguration>.server.decode(root, context)
        }
        guard let server else { throw ConfigurationErrors(file: name, message: "there is no server") }
        return server
    }

    /// Servers by the names of their keys, as `StoredServers` writes them, in the order of the file.
    ///
    /// Errors: every mistake in the file together.
    static func decodeNamed(
        _ bytes: [UInt8], file: String
    ) throws(ConfigurationErrors) -> [(name: String, server: ServerConfiguration)] {
        try read(bytes, file: file) { root, context in
            guard case .mapping(let mapping) = root, mapping.count <= maximumServers else {
                context.report("expected at most \(maximumServers) servers by name, found \(root.found)", at: root)
                return []
            }
            let named = mapping.compactMap { key, node -> (String, Located<ServerConfiguration>)? in
                let server = ValueDecoder<Located<ServerConfiguration>>.located(.server).decode(node, context)
                return server.map { (key.scalar?.string ?? "", $0) }
            }
            reportRepeatedServers(named.map { $0.1 }, context)
            return named.map { ($0, $1.value) }
        }
    }

    private static func read<Value>(
        _ bytes: [UInt8], file: String, _ decode: (Node, DecodingContext) -> Value
    ) throws(ConfigurationErrors) -> Value {
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
        let value = decode(root, context)
        guard context.diagnostics.isEmpty else { throw ConfigurationErrors(context.diagnostics, in: source) }
        return value
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
    /// - Parameters:
    ///   - stored: the bytes of a file of servers that come from etcd, at an absolute path; nil if none were kept yet,
    ///     which is as if there were none.
    ///   - read: the bytes of another file, or the reason why it cannot be read.
    func takingServers(
        stored: (String) -> [UInt8]? = { _ in nil }, _ read: (String) throws(SystemError) -> [UInt8]
    ) throws(ConfigurationErrors) -> Configuration {
        var configuration = self
        for index in upstreams.indices {
            guard let file = upstreams[index].serversFile else { continue }
            if upstreams[index].etcd != nil {
                let named = try stored(file).map { bytes throws(ConfigurationErrors) in
                    try ServersFile.decodeNamed(bytes, file: file)
                }
                let servers = (named ?? []).map(\.server)
                configuration.upstreams[index].servers = servers.isEmpty ? upstreams[index].ownServers : servers
                continue
            }
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
