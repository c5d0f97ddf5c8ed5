import COpenSSL
import Transport

/// TLS of the gateway as a client of servers: the trusted authorities, the expected name, the client certificate.
///
/// Shared by all workers; immutable.
@safe
package final class TLSClientContext: @unchecked Sendable {
    let pointer: OpaquePointer
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
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else {
            throw CertificateProblem("upstream", .policy(TLSError("create TLS context").reason))
        }
        unsafe pointer = context
        unsafe RecordLayer.configure(context)
        // A server's end without close_notify is an error, unlike a client's: some responses end with the connection.
        unsafe SSL_CTX_clear_options(context, COpenSSL_OP_IGNORE_UNEXPECTED_EOF)
        unsafe SSL_CTX_set_options(context, COpenSSL_OP_NO_RENEGOTIATION | COpenSSL_OP_NO_COMPRESSION)
        unsafe COpenSSL_CTX_set_min_proto_version(context, settings.minimum.rawValue)
        unsafe SSL_CTX_set_verify(context, isVerified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if isVerified { try trust(settings.authorities, readFile) }
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
    }

    private func trust(_ file: String?, _ readFile: FileReader) throws(CertificateProblem) {
        guard let file else {
            guard unsafe SSL_CTX_set_default_verify_paths(pointer) == 1 else {
                throw CertificateProblem("the system's authorities", .policy(TLSError("read authorities").reason))
            }
            return
        }
        let authorities = try X509Certificate.authorities(in: try readFile(file), file: file, for: .servers)
        let store = unsafe SSL_CTX_get_cert_store(pointer)
        for authority in authorities { unsafe X509_STORE_add_cert(store, authority.pointer) }
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    /// A session that sends `name`, a host name or an IP address, and accepts no certificate without it.
    func makeSession(for name: String) throws(TLSError) -> SessionReference {
        guard let session = unsafe SSL_new(pointer) else { throw TLSError("create TLS session") }
        // Neither the extension nor certificates have the final dot (RFC 6066 §3).
        let name = name.hasSuffix(".") ? String(name.dropLast()) : name
        let isAddress = IPAddress(name) != nil
        if !isAddress { unsafe COpenSSL_set_server_name(session, name) }
        if isVerified {
            let parameters = unsafe SSL_get0_param(session)
            let isSet =
                unsafe isAddress
                ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name) : SSL_set1_host(session, name)
            unsafe SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            guard isSet == 1 else {
                unsafe SSL_free(session)
                throw TLSError("expect the name \(name)")
            }
        }
        let http11 = [UInt8(8)] + Array("http/1.1".utf8)
        unsafe SSL_set_alpn_protos(session, http11, UInt32(http11.count))
        if let identity, unsafe !identity.attach(to: session) {
            unsafe SSL_free(session)
            throw TLSError("use the client certificate")
        }
        return unsafe SessionReference(session)
    }
}
