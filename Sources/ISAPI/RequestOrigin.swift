import HTTP
import Transport

/// Where requests come from: the facts of one connection, shared by all its requests.
package final class RequestOrigin: Sendable {
    /// What TLS agreed on with the client, and the certificate it was shown.
    package struct Security: Sendable {
        /// "TLSv1.2" or "TLSv1.3".
        package var protocolName: String
        /// OpenSSL's name of the cipher suite.
        package var cipher: String
        /// Bits of the session key.
        package var keyBits: Int
        /// Bits of the server certificate's key.
        package var serverKeyBits: Int
        /// Distinguished names of the server's certificate; may be empty.
        package var serverSubject: String
        package var serverIssuer: String
        /// The hash of the server's certificate that binds a login to this channel (RFC 5929 §4); may be empty.
        package var serverEndPoint: [UInt8]
        package var client: Certificate?

        /// What the client has shown.
        package struct Certificate: Sendable {
            package var subject: String
            package var issuer: String
            /// Hexadecimal digits.
            package var serial: String
            /// DER.
            package var encoded: [UInt8]
            package var isVerified: Bool
            /// SHA-256 of the certificate, in hexadecimal digits.
            package var fingerprint: String

            package init(
                subject: String, issuer: String, serial: String, encoded: [UInt8], isVerified: Bool,
                fingerprint: String
            ) {
                self.subject = subject
                self.issuer = issuer
                self.serial = serial
                self.encoded = encoded
                self.isVerified = isVerified
                self.fingerprint = fingerprint
            }

            /// CERT_FLAGS: present, and issued by somebody unknown.
            package var flags: UInt32 { isVerified ? 1 : 3 }
        }

        package init(
            protocolName: String, cipher: String, keyBits: Int, serverKeyBits: Int = 0, serverSubject: String = "",
            serverIssuer: String = "", serverEndPoint: [UInt8] = [], client: Certificate? = nil
        ) {
            self.protocolName = protocolName
            self.cipher = cipher
            self.keyBits = keyBits
            self.serverKeyBits = serverKeyBits
            self.serverSubject = serverSubject
            self.serverIssuer = serverIssuer
            self.serverEndPoint = serverEndPoint
            self.client = client
        }
    }

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
    package var security: Security? { box?.security }
    private let box: Box?

    /// Apart, so that plain connections do not keep room for it.
    private final class Box: Sendable {
        let security: Security

        init(_ security: Security) { self.security = security }
    }

    package init(
        localAddress: String, localPort: UInt16, remoteAddress: String, remotePort: UInt16,
        namedClient: IPAddress? = nil, serverName: String,
        security: Security?
    ) {
        self.localAddress = localAddress
        self.localPort = localPort
        self.remoteAddress = remoteAddress
        self.remotePort = remotePort
        self.namedClient = namedClient
        self.serverName = serverName
        box = security.map(Box.init)
    }
}

/// The application an extension is served as: constant for all requests of one route.
package final class ExtensionApplication: Sendable {
    /// The site's number and name (INSTANCE_ID, INSTANCE_NAME).
    package let siteID: Int
    package let siteName: String
    package let poolName: String
    /// The folder URLs are mapped into, with a trailing "/".
    package let physicalPath: String
    package let serverSoftware: String
    /// What the site answers errors with.
    package let errorPages: ErrorPages?

    package init(
        siteID: Int, siteName: String, poolName: String, physicalPath: String, serverSoftware: String,
        errorPages: ErrorPages? = nil
    ) {
        self.siteID = siteID
        self.siteName = siteName
        self.poolName = poolName
        self.physicalPath = physicalPath.hasSuffix("/") ? physicalPath : physicalPath + "/"
        self.serverSoftware = serverSoftware
        self.errorPages = errorPages
    }
}
