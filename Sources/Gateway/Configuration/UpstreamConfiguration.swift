import Transport

/// A named set of servers that requests are forwarded to.
package struct UpstreamConfiguration: Sendable, Equatable {
    package var name: String
    package var balance = Balance.roundRobin
    /// In file order; at least one, unless they come from a file of servers.
    package var servers: [ServerConfiguration] = []
    /// The file of servers, as an absolute path; nil when they are only configured.
    ///
    /// For servers from etcd, the file that the gateway keeps the last known ones in; it need not exist.
    package var serversFile: String?
    /// Where the file's servers come from; nil when something else writes it.
    package var etcd: EtcdConfiguration?
    /// The configured servers, which are used while the file has none.
    package var ownServers: [ServerConfiguration] = []
    /// To an established connection, TLS included.
    package var connectTimeout = Duration.seconds(5)
    /// Between two sends of a request that the server accepts.
    package var sendTimeout = Duration.seconds(30)
    /// From the request's last byte to the end of the response's head.
    package var responseTimeout = Duration.seconds(60)
    /// Between two reads of a response's body.
    package var readTimeout = Duration.seconds(60)
    /// From the beginning of the request to the end of its response.
    package var requestTimeout = Duration.seconds(3600)
    /// Without a byte in either direction after a switch of protocols.
    package var tunnelTimeout = Duration.seconds(3600)
    /// Bytes of a response's head.
    package var responseHead = 64 << 10
    package var keepAlive = KeepAlive()
    /// Other servers that a request may be sent to when one could not be reached.
    package var retries = 1
    /// How many of a hundred requests may be sent again.
    package var retryBudget = 20
    package var tls = UpstreamTLSConfiguration()
    /// The header at the beginning of every connection; nil for none.
    package var proxyProtocol: ProxyProtocolVersion?
    package var sticky: StickyConfiguration?
    /// The time in which the share of a server that becomes available again grows to its weight.
    package var slowStart = Duration.zero
    package var queue = UpstreamQueueConfiguration()
    package var health = HealthConfiguration()

    package enum Balance: Sendable, Equatable {
        case roundRobin, leastConnections, randomTwo
        /// By a key of the request, never the route.
        case hash(LimitKey)
    }

    /// Connections kept for later requests.
    package struct KeepAlive: Sendable, Equatable {
        /// Idle ones for each server and worker; 0 keeps none.
        package var connections = 256
        package var idleTimeout = Duration.seconds(30)
        package var lifetime = Duration.seconds(3600)
    }
}

/// One server of an upstream.
package struct ServerConfiguration: Sendable, Equatable {
    package var url: ServerURL
    /// From 1 to 1000.
    package var weight = 1
    /// Whether the URL's host is the name of a service, whose SRV records name hosts and ports (RFC 2782).
    package var isService = false
    /// Whether it is used only when none of the others is available.
    package var isBackup = false
    /// Requests in progress at the same time; nil for any number.
    package var maxConnections: Int?
}

/// The address of a server, and whether to use TLS.
package enum ServerURL: Sendable, Hashable {
    case tcp(host: String, port: UInt16, isSecure: Bool)
    /// A socket in the file system, as an absolute path.
    case unix(path: String)
}

/// How servers are authenticated, and the gateway to them.
package struct UpstreamTLSConfiguration: Sendable, Equatable {
    /// A file of authorities, as an absolute path; nil for the system's.
    package var authorities: String?
    package var isVerified = true
    /// The server name to send, which the certificate must contain; nil for the host of the URL.
    package var serverName: String?
    package var minimumVersion = TLSSettings.Version.tls12
    /// The client certificate of the gateway, for servers that request one.
    package var certificate: CertificateConfiguration?
}

/// Forwarding requests to an upstream.
package struct ProxyConfiguration: Sendable, Equatable {
    package var upstream: String
    /// Removed from the beginning of the path, without a slash at its end.
    package var stripPrefix: String?
    /// Added at the beginning of the path, without a slash at its end.
    package var addPrefix: String?
    /// The template of the path; nil if only the prefixes are replaced.
    package var rewrite: PathTemplate?
    package var host = Host.fromClient
    package var buffer = Buffer()
    package var requestHeaders = HeaderRules()

    /// Bodies that are buffered until they are complete.
    package struct Buffer: Sendable, Equatable {
        package var requests = false
        package var responses = false
        /// Bytes of one body in memory; more go to a file.
        package var memory = 64 << 10
        /// Bytes of a response.
        package var limit = 1 << 30
        /// Where the files are, as an absolute path.
        package var folder = "/var/tmp"
    }

    /// The `Host` that the server receives.
    package enum Host: Sendable, Equatable {
        /// What the client sent.
        case fromClient
        /// Host and port of the server's URL.
        case fromServer
        case fixed(String)
    }

    /// Fields of a request that are removed and set.
    package struct HeaderRules: Sendable, Equatable {
        package var set: [RespondConfiguration.Header] = []
        /// In lower case.
        package var remove: [String] = []
    }
}

/// A server that decides about each request whether it may be answered.
package struct ForwardAuthConfiguration: Sendable, Equatable {
    package var upstream: String
    /// Path and query of the subrequest.
    package var path: String
    /// Fields that are copied from the response to the request.
    package var copyHeaders: [String] = []
    package var timeout = Duration.seconds(5)
}
