import COpenSSL
import Transport

/// The properties of a connection that are kept after its handshake, when the OpenSSL session is gone.
@safe
struct NegotiatedFacts: ~Copyable {
    let isResumed: Bool
    /// What ALPN has chosen (RFC 7301).
    let applicationProtocol: String?
    private let version: UnsafePointer<CChar>
    private let cipher: OpaquePointer?
    private let serverName: String?
    private let certificate: OpaquePointer?
    private let clientCertificate: OpaquePointer?
    private let verdict: Int

    /// From a session whose handshake is complete.
    init(of reference: SessionReference) {
        isResumed = reference.isReused
        let session = unsafe reference.pointer
        var protocolName: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(session, &protocolName, &count)
        applicationProtocol = unsafe protocolName.map {
            unsafe String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self)
        }
        unsafe version = SSL_get_version(session)
        unsafe cipher = SSL_get_current_cipher(session)
        let name = unsafe SSL_get_servername(session, COpenSSL_TLSEXT_NAMETYPE_host_name)
        serverName = unsafe name.map { unsafe String(cString: $0) }
        let isServer = unsafe SSL_is_server(session) == 1
        unsafe certificate = SSL_get_certificate(session)
        if let certificate = unsafe certificate { unsafe X509_up_ref(certificate) }
        // A server's certificate is not needed after the handshake.
        unsafe clientCertificate = isServer ? SSL_get1_peer_certificate(session) : nil
        verdict = reference.verdict
    }

    deinit {
        unsafe X509_free(certificate)
        unsafe X509_free(clientCertificate)
    }

    func describe(site: String?) -> SecurityDescription {
        defer { ERR_clear_error() }
        let key = unsafe certificate.flatMap { unsafe X509_get0_pubkey($0) }
        return unsafe SecurityDescription(
            protocolName: String(cString: version), cipherName: String(cString: SSL_CIPHER_get_name(cipher)),
            cipherBits: Int(SSL_CIPHER_get_bits(cipher, nil)), serverName: serverName,
            serverKeyBits: key.map { unsafe Int(EVP_PKEY_get_bits($0)) } ?? 0,
            serverSubject: certificate.map { unsafe distinguishedName(X509_get_subject_name($0)) } ?? "",
            serverIssuer: certificate.map { unsafe distinguishedName(X509_get_issuer_name($0)) } ?? "",
            serverEndPoint: certificate.map { unsafe endPointHash($0) } ?? [], site: site,
            isResumed: isResumed, clientCertificate: describeClientCertificate())
    }

    /// With the hash of the certificate's signature, or SHA-256 in place of a weaker one (RFC 5929 §4.1).
    private func endPointHash(_ certificate: OpaquePointer) -> [UInt8] {
        var hash: Int32 = 0
        unsafe X509_get_signature_info(certificate, &hash, nil, nil, nil)
        let algorithm = unsafe hash == NID_sha384 ? EVP_sha384() : hash == NID_sha512 ? EVP_sha512() : EVP_sha256()
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard unsafe X509_digest(certificate, algorithm, &digest, &count) == 1 else { return [] }
        return Array(digest.prefix(Int(count)))
    }

    private func describeClientCertificate() -> SecurityDescription.ClientCertificate? {
        guard let pointer = unsafe clientCertificate else { return nil }
        unsafe X509_up_ref(pointer)
        let certificate = unsafe X509Certificate(pointer)
        return SecurityDescription.ClientCertificate(
            failure: verdict == Int(X509_V_OK) ? nil : SessionReference.text(ofVerdict: verdict),
            subject: certificate.subject, issuer: certificate.issuer, serial: certificate.serial,
            encoded: certificate.encoded, fingerprint: fingerprint(of: certificate.encoded))
    }

    private func fingerprint(of encoded: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = unsafe SHA256(encoded, encoded.count, &digest)
        return digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
