/// What TLS negotiated with the client, in OpenSSL's terms; immutable, so that any thread may read it.
package final class SecurityDescription: Sendable {
    /// `TLSv1.2`, `TLSv1.3`.
    package let protocolName: String
    package let cipherName: String
    /// Effective strength of the cipher, in bits.
    package let cipherBits: Int
    /// The group of the key exchange; nil if there was none, as in some resumptions.
    package let groupName: String?
    /// The server name that the client sent in SNI.
    package let serverName: String?
    /// The size of the server certificate's key in bits.
    package let serverKeyBits: Int
    /// The server certificate's distinguished names, in RFC 2253 order.
    package let serverSubject: String
    package let serverIssuer: String
    /// The hash of the server certificate for `tls-server-end-point` (RFC 5929 §4).
    package let serverEndPoint: [UInt8]
    /// The site for which the handshake was made, identified by its first host: another site might have required a
    /// client certificate.
    package let site: String?
    /// Whether the handshake resumed an earlier session, in which the client may have shown its certificate.
    package let isResumed: Bool
    package let clientCertificate: ClientCertificate?

    /// The client's certificate and the result of its verification.
    package struct ClientCertificate: Equatable, Sendable {
        /// Why the verification failed, in OpenSSL's words; nil for a verified certificate.
        package let failure: String?
        /// RFC 2253 order.
        package let subject: String
        package let issuer: String
        /// Hexadecimal digits in upper case.
        package let serial: String
        /// DER.
        package let encoded: [UInt8]
        /// SHA-256 of `encoded`, in hexadecimal digits.
        package let fingerprint: String

        package init(
            failure: String?, subject: String, issuer: String, serial: String, encoded: [UInt8],
            fingerprint: String = ""
        ) {
            self.failure = failure
            self.subject = subject
            self.issuer = issuer
            self.serial = serial
            self.encoded = encoded
            self.fingerprint = fingerprint
        }
    }

    package init(
        protocolName: String, cipherName: String, cipherBits: Int, groupName: String? = nil, serverName: String?,
        serverKeyBits: Int, serverSubject: String, serverIssuer: String, serverEndPoint: [UInt8] = [],
        site: String? = nil, isResumed: Bool = false, clientCertificate: ClientCertificate? = nil
    ) {
        self.protocolName = protocolName
        self.cipherName = cipherName
        self.cipherBits = cipherBits
        self.groupName = groupName
        self.serverName = serverName
        self.serverKeyBits = serverKeyBits
        self.serverSubject = serverSubject
        self.serverIssuer = serverIssuer
        self.serverEndPoint = serverEndPoint
        self.site = site
        self.isResumed = isResumed
        self.clientCertificate = clientCertificate
    }
}
