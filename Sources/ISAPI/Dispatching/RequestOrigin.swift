import HTTP
import Transport

/// Where requests come from: the facts of one connection, shared by all its requests.
package final class RequestOrigin: Sendable {
    /// Addresses without port, as text.
    package let localAddress: String
    package let localPort: UInt16
    package let remoteAddress: String
    package let remotePort: UInt16
    /// The client by the word of a trusted proxy; the connection's other requests may have another one.
    let namedClient: IPAddress?
    /// The name requests without Host are served under.
    package let serverName: String
    /// nil on a plain connection.
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
    /// The folder URLs are mapped into, with a trailing separator.
    package let physicalPath: String
    /// How paths are told.
    package let paths: PathStyle
    package let serverSoftware: String
    /// What the site answers errors with.
    package let errorPages: ErrorPages?

    package init(
        siteID: Int, siteName: String, poolName: String, physicalPath: String, serverSoftware: String,
        errorPages: ErrorPages? = nil, paths: PathStyle = .unix
    ) {
        self.siteID = siteID
        self.siteName = siteName
        self.poolName = poolName
        self.physicalPath = paths.path(physicalPath.hasSuffix("/") ? physicalPath : physicalPath + "/")
        self.paths = paths
        self.serverSoftware = serverSoftware
        self.errorPages = errorPages
    }
}

extension SecurityDescription.ClientCertificate {
    /// CERT_FLAGS: present, and issued by somebody unknown.
    var flags: UInt32 { failure == nil ? 1 : 3 }
}
