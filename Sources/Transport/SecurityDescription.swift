/// What TLS negotiated with the client, in the words OpenSSL uses; immutable, so it may be read from any thread.
package final class SecurityDescription: Sendable {
    /// `TLSv1.2`, `TLSv1.3`.
    package let protocolName: String
    package let cipherName: String
    /// Effective strength of the cipher, in bits.
    package let cipherBits: Int
    /// The name the client asked for in SNI.
    package let serverName: String?
    /// Bits of the server certificate's key.
    package let serverKeyBits: Int
    /// The server certificate's distinguished names, RFC 2253 order.
    package let serverSubject: String
    package let serverIssuer: String
    /// The hash of the server certificate that `tls-server-end-point` names (RFC 5929 §4).
    package let serverEndPoint: [UInt8]
    /// The site the handshake was made with, by its first host: with another site, the client might have had to show
    /// a certificate.
    package let site: String?
    /// Whether the handshake resumed an earlier session, in which the client may have shown its certificate.
    package let isResumed: Bool
    package let clientCertificate: ClientCertificate?

    /// What the client proved to be.
    package struct ClientCertificate: Equatable, Sendable {
        /// Why the certificate is not good, in OpenSSL's words; nil when it was verified.
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
        protocolName: String, cipherName: String, cipherBits: Int, serverName: String?, serverKeyBits: Int,
        serverSubject: String, serverIssuer: String, serverEndPoint: [UInt8] = [], site: String? = nil,
        isResumed: Bool = false, clientCertificate: ClientCertificate? = nil
    ) {
        self.protocolName = protocolName
        self.cipherName = cipherName
        self.cipherBits = cipherBits
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
