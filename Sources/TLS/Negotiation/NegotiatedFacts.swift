import COpenSSL
import Transport

/// The properties of a connection that are kept after its handshake, when the OpenSSL session is gone.
@safe
struct NegotiatedFacts: ~Copyable {
    let isResumed: Bool
    /// The group of the key exchange as OpenSSL numbers it; 0 for none.
    private let group: Int32
    /// What ALPN has chosen (RFC 7301).
    let applicationProtocol: String?
    private let version: UnsafePointer<CChar>
    private let cipher: SSL_CIPHER?
    private let serverName: String?
    private let certificate: X509?
    private let clientCertificate: X509?
    private let verdict: Int

    /// From a session whose handshake is complete.
    init(of reference: SessionReference) {
        isResumed = reference.isReused
        verdict = reference.verdict
        let session = reference.object
        applicationProtocol = session.selectedProtocol
        group = Int32(truncatingIfNeeded: SSL_ctrl(session, SSL_CTRL_GET_NEGOTIATED_GROUP, 0, nil))
        unsafe version = SSL_get_version(session)
        cipher = SSL_get_current_cipher(session)
        serverName = session.serverName
        certificate = SSL_get_certificate(session)
        // A server's certificate is not needed after the handshake.
        clientCertificate = SSL_is_server(session) == 1 ? SSL_get1_peer_certificate(session) : nil
    }

    func summarize(hasOwnRecords: Bool) -> HandshakeFacts {
        HandshakeFacts(
            version: unsafe String(cString: version), isResumed: isResumed, group: KeyExchangeGroup.name(of: group),
            hasOwnRecords: hasOwnRecords)
    }

    func describe(site: String?) -> SecurityDescription {
        defer { ERR_clear_error() }
        let key = certificate.flatMap { X509_get0_pubkey($0) }
        return SecurityDescription(
            protocolName: unsafe String(cString: version),
            cipherName: unsafe String(cString: SSL_CIPHER_get_name(cipher)),
            cipherBits: Int(SSL_CIPHER_get_bits(cipher, nil)),
            groupName: group == 0 ? nil : KeyExchangeGroup.name(of: group),
            serverName: serverName,
            serverKeyBits: key.map { Int(EVP_PKEY_get_bits($0)) } ?? 0,
            serverSubject: certificate?.subject ?? "", serverIssuer: certificate?.issuer ?? "",
            serverEndPoint: certificate.map { endPointHash($0) } ?? [], site: site,
            isResumed: isResumed, clientCertificate: describeClientCertificate())
    }

    /// With the hash of the certificate's signature, or SHA-256 in place of a weaker one (RFC 5929 §4.1).
    private func endPointHash(_ certificate: X509) -> [UInt8] {
        let hash = COpenSSL_X509_signature_hash(certificate)
        let algorithm = hash == NID_sha384 ? EVP_sha384() : hash == NID_sha512 ? EVP_sha512() : EVP_sha256()
        return unsafe .digest { unsafe X509_digest(certificate, algorithm, $0, $1) }
    }

    private func describeClientCertificate() -> SecurityDescription.ClientCertificate? {
        guard let certificate = clientCertificate.map({ X509Certificate($0) }) else { return nil }
        let encoded = certificate.encoded
        return SecurityDescription.ClientCertificate(
            failure: verdict == Int(X509_V_OK) ? nil : SessionReference.text(ofVerdict: verdict),
            subject: certificate.subject, issuer: certificate.issuer, serial: certificate.serial,
            encoded: encoded, fingerprint: encoded.withBytes { hexadecimal($0.digest) }.lowercased())
    }
}
