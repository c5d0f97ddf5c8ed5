import COpenSSL
import Glibc

@testable import TLS

/// A TLS client that performs handshakes with a store in memory.
@safe
final class TestClient {
    struct Outcome: Equatable {
        /// The serial of the certificate that was presented; empty when the handshake failed.
        var serial = ""
        var version = ""
        var isResumed = false
        var stapled: [UInt8] = []
        /// The error message of the client, or else of the server.
        var failure: String?
    }

    private let context: OpaquePointer
    /// The last session that was received, for resumption.
    private var session: OpaquePointer?

    init(
        version: TLSPolicy.Version? = nil, signatureAlgorithms: String? = nil, ciphers: String? = nil,
        certificate: TestAuthority.Issued? = nil
    ) {
        unsafe context = SSL_CTX_new(TLS_client_method())!
        unsafe COpenSSL_CTX_set_session_cache_mode(context, Int(SSL_SESS_CACHE_CLIENT))
        if let version {
            unsafe COpenSSL_CTX_set_min_proto_version(context, version.rawValue)
            unsafe COpenSSL_CTX_set_max_proto_version(context, version.rawValue)
        }
        if let signatureAlgorithms { unsafe COpenSSL_CTX_set1_sigalgs_list(context, signatureAlgorithms) }
        if let ciphers { unsafe SSL_CTX_set_cipher_list(context, ciphers) }
        guard let certificate else { return }
        unsafe withMemoryBIO(over: certificate.certificate) { source in
            let parsed = unsafe PEM_read_bio_X509(source, nil, nil, nil)
            unsafe SSL_CTX_use_certificate(context, parsed)
            unsafe X509_free(parsed)
        }
        unsafe withMemoryBIO(over: certificate.key) { source in
            let parsed = unsafe PEM_read_bio_PrivateKey(source, nil, nil, nil)
            unsafe SSL_CTX_use_PrivateKey(context, parsed)
            unsafe EVP_PKEY_free(parsed)
        }
    }

    deinit {
        unsafe SSL_SESSION_free(session)
        unsafe SSL_CTX_free(context)
    }

    /// Connects to `name`, with the session of the previous connection if there is one.
    func connect(to store: CertificateStore, _ name: String?) -> Outcome {
        let client = unsafe SSL_new(context)!
        let server = unsafe SSL_new(store.initial.pointer)!
        defer {
            unsafe SSL_free(client)
            unsafe SSL_free(server)
        }
        var clientSide: OpaquePointer?
        var serverSide: OpaquePointer?
        unsafe BIO_new_bio_pair(&clientSide, 0, &serverSide, 0)
        unsafe SSL_set_bio(client, clientSide, clientSide)
        unsafe SSL_set_bio(server, serverSide, serverSide)
        unsafe SSL_set_connect_state(client)
        unsafe SSL_set_accept_state(server)
        if let name { unsafe COpenSSL_set_server_name(client, name) }
        if let session = unsafe session { unsafe SSL_set_session(client, session) }
        unsafe COpenSSL_request_staple(client)
        let negotiation = Negotiation(store)
        unsafe negotiation.begin(SessionReference(server))
        let failure = withExtendedLifetime(negotiation) { unsafe shakeHands(client, server) }
        ERR_clear_error()
        if let failure { return Outcome(failure: negotiation.refusal ?? failure) }
        unsafe SSL_SESSION_free(session)
        unsafe session = SSL_get1_session(client)
        // A connection that was not closed properly invalidates its session.
        unsafe SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        return unsafe describe(client)
    }

    private func describe(_ client: OpaquePointer) -> Outcome {
        var staple: UnsafePointer<UInt8>?
        let stapleCount = unsafe COpenSSL_get_ocsp_response(client, &staple)
        return unsafe Outcome(
            serial: hexadecimal(X509_get0_serialNumber(SSL_get0_peer_certificate(client))),
            version: String(cString: SSL_get_version(client)), isResumed: SSL_session_reused(client) == 1,
            stapled: Array(UnsafeBufferPointer(start: staple, count: max(0, Int(stapleCount)))))
    }

    private func shakeHands(_ client: OpaquePointer, _ server: OpaquePointer) -> String? {
        for _ in 0..<16 {
            let clientResult = unsafe SSL_do_handshake(client)
            if let failure = unsafe failure(client, clientResult) { return failure }
            let serverResult = unsafe SSL_do_handshake(server)
            if let failure = unsafe failure(server, serverResult) { return failure }
            guard clientResult == 1, serverResult == 1 else { continue }
            // A ticket of TLS 1.3 arrives with the first read.
            var byte: UInt8 = 0
            unsafe SSL_read(client, &byte, 1)
            return nil
        }
        return "the handshake does not end"
    }

    private func failure(_ session: OpaquePointer, _ result: Int32) -> String? {
        if result == 1 { return nil }
        switch unsafe SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return nil
        default: return TLSError("shake hands").reason
        }
    }
}
