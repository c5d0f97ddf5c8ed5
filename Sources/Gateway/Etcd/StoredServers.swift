import FoundationEssentials

/// The file in which the last known servers of an upstream are kept: an object of JSON with the key of each server and
/// what an element of `servers` has.
enum StoredServers {
    struct Element: Equatable, Sendable {
        /// The key in etcd.
        var name: String
        var server: ServerConfiguration
    }

    private struct Server: Encodable {
        let url: String
        let weight: Int?
        let srv: Bool?
        let backup: Bool?
        let maxConnections: Int?

        enum CodingKeys: String, CodingKey {
            case url, weight, srv, backup
            case maxConnections = "max_connections"
        }

        init(_ server: ServerConfiguration) {
            url = server.url.description
            weight = server.weight == 1 ? nil : server.weight
            srv = server.isService ? true : nil
            backup = server.isBackup ? true : nil
            maxConnections = server.maxConnections
        }
    }

    static func encode(_ servers: [Element]) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let named = Dictionary(servers.map { ($0.name, Server($0.server)) }) { one, _ in one }
        // The values are structures of texts and numbers, which always can be encoded.
        return (try? encoder.encode(named)).map { Array($0) + [0x0A] } ?? []
    }

    /// None for what is not such a file.
    static func decode(_ bytes: [UInt8], file: String) -> [Element] {
        let named = try? ServersFile.decodeNamed(bytes, file: file)
        return (named ?? []).map { Element(name: $0.name, server: $0.server) }
    }
}
