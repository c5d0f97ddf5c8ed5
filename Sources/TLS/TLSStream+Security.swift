import COpenSSL
import Glibc
import Transport

/// What is known of a connection once it is secure.
extension TLSStream {
    func describeSecurity() -> SecurityDescription? {
        defer { ERR_clear_error() }
        let certificate = unsafe SSL_get_certificate(session)
        let key = unsafe certificate.flatMap { unsafe X509_get0_pubkey($0) }
        let name = unsafe SSL_get_servername(session, COpenSSL_TLSEXT_NAMETYPE_host_name)
        return unsafe SecurityDescription(
            protocolName: String(cString: SSL_get_version(session)),
            cipherName: String(cString: COpenSSL_get_cipher_name(session)),
            cipherBits: Int(COpenSSL_get_cipher_bits(session)),
            serverName: name.map { unsafe String(cString: $0) },
            serverKeyBits: key.map { unsafe Int(EVP_PKEY_get_bits($0)) } ?? 0,
            serverSubject: certificate.map { unsafe distinguishedName(X509_get_subject_name($0)) } ?? "",
            serverIssuer: certificate.map { unsafe distinguishedName(X509_get_issuer_name($0)) } ?? "",
            serverEndPoint: certificate.map { unsafe endPointHash($0) } ?? [], site: site,
            clientCertificate: describeClientCertificate())
    }

    /// By the hash of the certificate's signature, or SHA-256 in place of a weaker one (RFC 5929 §4.1).
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
        guard let pointer = unsafe SSL_get1_peer_certificate(session) else { return nil }
        let certificate = unsafe X509Certificate(pointer)
        let result = unsafe SSL_get_verify_result(session)
        return SecurityDescription.ClientCertificate(
            failure: result == Int(X509_V_OK) ? nil : unsafe String(cString: X509_verify_cert_error_string(result)),
            subject: certificate.subject, issuer: certificate.issuer, serial: certificate.serial,
            encoded: certificate.encoded, fingerprint: fingerprint(of: certificate.encoded))
    }

    private func fingerprint(of encoded: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = unsafe SHA256(encoded, encoded.count, &digest)
        return digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
