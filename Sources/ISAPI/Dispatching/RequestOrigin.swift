import HTTP
import Transport

/// The facts of one connection, shared by all its requests.
package final class RequestOrigin: Sendable {
    /// Addresses without port, as text.
    package let localAddress: String
    package let localPort: UInt16
    package let remoteAddress: String
    package let remotePort: UInt16
    /// The client that a trusted proxy names; other requests of the connection may have another one.
    let namedClient: IPAddress?
    /// The server name of requests without Host.
    package let serverName: String
    /// Nil on a plain connection.
    package let security: SecurityDescription?

    package init(
        localAddress: String, localPort: UInt16, remoteAddress: String, remotePort: UInt16,
        namedClient: IPAddress? = nil, serverName: String, security: SecurityDescription?
    ) {
        self.localAddress = localAddress
        self.localPort = localPort
        self.remoteAddress = remoteAddress
        self.remotePort = remotePort
        self.namedClient = namedClient
        self.serverName = serverName
        self.security = security
    }
}

/// The application an extension is served as: constant for all requests of one route.
package final class ExtensionApplication: Sendable {
    /// The site's number and name (INSTANCE_ID, INSTANCE_NAME).
    package let siteID: Int
    package let siteName: String
    package let poolName: String
    /// The pool of isolated processes in which the extension runs, nil for the gateway's own process.
    package let processPool: String?
    /// The folder that URLs are mapped to, with a trailing separator.
    package let physicalPath: String
    /// The separators of paths that are passed to the extension.
    package let paths: PathStyle
    package let serverSoftware: String
    /// The site's error pages.
    package let errorPages: ErrorPages?

    package init(
        siteID: Int, siteName: String, poolName: String, processPool: String? = nil, physicalPath: String,
        serverSoftware: String, errorPages: ErrorPages? = nil, paths: PathStyle = .unix
    ) {
        self.siteID = siteID
        self.siteName = siteName
        self.poolName = poolName
        self.processPool = processPool
        self.physicalPath = paths.path(physicalPath.hasSuffix("/") ? physicalPath : physicalPath + "/")
        self.paths = paths
        self.serverSoftware = serverSoftware
        self.errorPages = errorPages
    }
}

extension SecurityDescription.ClientCertificate {
    /// CERT_FLAGS: 1 for a certificate, plus 2 if its issuer is unknown.
    var flags: UInt32 { failure == nil ? 1 : 3 }
}
