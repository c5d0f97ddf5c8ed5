import COpenSSL
import Transport

/// TLS of the gateway as a client of servers: the trusted authorities, the expected name, the client certificate.
///
/// Shared by all workers; immutable.
@safe
package final class TLSClientContext: @unchecked Sendable {
    private let object: SSL_CTX
    private let identity: CertificateIdentity?
    private let isVerified: Bool

    /// The configuration of an upstream's TLS.
    package struct Settings: Hashable, Sendable {
        /// A file of authorities; nil for the system's.
        package var authorities: String?
        package var isVerified = true
        package var minimum = TLSPolicy.Version.tls12
        /// The certificate for servers that request one.
        package var certificate: CertificateFiles?

        package init() {}
    }

    /// - Throws: the problem with a file.
    package init(_ settings: Settings, readFile: @escaping FileReader) throws(CertificateProblem) {
        isVerified = settings.isVerified
        identity =
            if let files = settings.certificate {
                try CertificateReader(
                    readFile: readFile, readKey: readFile, chains: ChainReader(), generation: 0, earlier: [:]
                ).read(files).identity
            } else { nil }
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw CertificateProblem("upstream", .policy(TLSError("create TLS context").reason))
        }
        object = context
        RecordLayer.configure(context)
        // A server's end without close_notify is an error, unlike a client's: some responses end with the connection.
        SSL_CTX_clear_options(context, COpenSSL_OP_IGNORE_UNEXPECTED_EOF)
        SSL_CTX_set_options(context, COpenSSL_OP_NO_RENEGOTIATION | COpenSSL_OP_NO_COMPRESSION)
        COpenSSL_CTX_set_min_proto_version(context, settings.minimum.rawValue)
        if isVerified {
            COpenSSL_CTX_require_peer(context)
            try trust(settings.authorities, readFile)
        } else {
            COpenSSL_CTX_accept_any_peer(context)
        }
    }

    private func trust(_ file: String?, _ readFile: FileReader) throws(CertificateProblem) {
        guard let file else {
            guard SSL_CTX_set_default_verify_paths(object) == 1 else {
                throw CertificateProblem("the system's authorities", .policy(TLSError("read authorities").reason))
            }
            return
        }
        let authorities = try X509Certificate.authorities(in: try readFile(file), file: file, for: .servers)
        let store = SSL_CTX_get_cert_store(object)
        for authority in authorities { X509_STORE_add_cert(store, authority.object) }
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    /// A session that sends `name`, a host name or an IP address, and accepts no certificate without it.
    func makeSession(for name: String) throws(TLSError) -> SessionReference {
        guard let session = SSL_new(object) else { throw TLSError("create TLS session") }
        // Neither the extension nor certificates have the final dot (RFC 6066 §3).
        let name = name.hasSuffix(".") ? String(name.dropLast()) : name
        let isAddress = IPAddress(name) != nil
        if !isAddress { COpenSSL_set_server_name(session, name) }
        if isVerified {
            let isSet = isAddress ? COpenSSL_expect_address(session, name) : SSL_set1_host(session, name)
            SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            guard isSet == 1 else { throw TLSError("expect the name \(name)") }
        }
        let http11 = [UInt8(8)] + Array("http/1.1".utf8)
        http11.withBytes { _ = unsafe SSL_set_alpn_protos(session, $0.octets, UInt32($0.count)) }
        if let identity, !identity.attach(to: session) { throw TLSError("use the client certificate") }
        return SessionReference(keeping: session)
    }
}
