/// Where servers of an upstream come from: the keys of an etcd below a prefix.
package struct EtcdConfiguration: Sendable, Equatable {
    /// The members, each a server of TCP; all with TLS, or none.
    package var endpoints: [ServerURL]
    /// What the keys begin with; ends with a slash.
    package var prefix: String
    package var user: User?
    package var tls = UpstreamTLSConfiguration()
    /// For one request, its connection and handshake included.
    package var timeout = Duration.seconds(5)
    /// How often all keys are read again, which also tells whether the member still answers.
    package var interval = Duration.seconds(10)
    /// The folder in which the last known servers are kept, as an absolute path.
    package var storage: String

    package struct User: Sendable, Equatable {
        package var name: String
        /// The file whose first line is the password.
        package var passwordFile: String
    }

    /// A client has several endpoints because a cluster has several members; clusters have at most seven.
    static let maximumEndpoints = 16
    /// Keys are kept in a file of servers, whose size is limited.
    static let maximumPrefixBytes = 128
    /// The port that members listen on for clients.
    static let defaultPort: UInt16 = 2379
    /// Upstreams with servers from etcd: each has a thread and a connection.
    static let maximumUpstreams = 64

    var isSecure: Bool { endpoints.contains(where: \.isSecure) }

    /// Where the last known servers of an upstream are kept.
    func file(ofUpstream name: String) -> String { "\(storage)/\(name).json" }
}

/// What the key `servers_from` names.
enum ServersSource {
    /// An absolute path.
    case file(String)
    case etcd(EtcdConfiguration)
}
