import COpenSSL
import Glibc
import Memory

@testable import TLS

/// A TLS client that performs handshakes with a store in memory.
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

    private let context: SSL_CTX
    /// The last session that was received, for resumption.
    private var session: SSL_SESSION?

    init(
        version: TLSPolicy.Version? = nil, signatureAlgorithms: String? = nil, ciphers: String? = nil,
        certificate: TestAuthority.Issued? = nil
    ) {
        context = SSL_CTX_new(TLS_client_method())!
        COpenSSL_CTX_set_session_cache_mode(context, Int(SSL_SESS_CACHE_CLIENT))
        if let version {
            COpenSSL_CTX_set_min_proto_version(context, version.rawValue)
            COpenSSL_CTX_set_max_proto_version(context, version.rawValue)
        }
        if let signatureAlgorithms { COpenSSL_CTX_set1_sigalgs_list(context, signatureAlgorithms) }
        if let ciphers { SSL_CTX_set_cipher_list(context, ciphers) }
        guard let certificate else { return }
        let parsed = certificate.certificate.withBytes { text in
            BIO.reading(text) { PEM_read_bio_X509($0, nil, nil, nil) }
        }
        SSL_CTX_use_certificate(context, parsed)
        let key = certificate.key.withBytes { text in
            BIO.reading(text) { PEM_read_bio_PrivateKey($0, nil, nil, nil) }
        }
        SSL_CTX_use_PrivateKey(context, key)
    }

    /// Connects to `name`, with the session of the previous connection if there is one.
    func connect(to store: CertificateStore, _ name: String?) -> Outcome {
        let client = SSL_new(context)!
        let server = SSL_new(store.initial.object)!
        let clientSide = BIO_new(BIO_s_bio())!
        let serverSide = COpenSSL_BIO_new_pair_end(clientSide)!
        COpenSSL_set_bios(client, clientSide, clientSide)
        COpenSSL_set_bios(server, serverSide, serverSide)
        SSL_set_connect_state(client)
        SSL_set_accept_state(server)
        if let name { COpenSSL_set_server_name(client, name) }
        if let session { SSL_set_session(client, session) }
        COpenSSL_request_staple(client)
        let negotiation = Negotiation(store)
        negotiation.begin(server)
        let failure = withExtendedLifetime(negotiation) { shakeHands(client, server) }
        ERR_clear_error()
        if let failure { return Outcome(failure: negotiation.refusal ?? failure) }
        session = SSL_get1_session(client)
        // A connection that was not closed properly invalidates its session.
        SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        return describe(client)
    }

    private func describe(_ client: SSL) -> Outcome {
        var staple: UnsafePointer<UInt8>?
        let stapleCount = unsafe COpenSSL_get_ocsp_response(client, &staple)
        return unsafe Outcome(
            serial: hexadecimal(X509_get0_serialNumber(SSL_get0_peer_certificate(client))),
            version: String(cString: SSL_get_version(client)), isResumed: SSL_session_reused(client) == 1,
            stapled: Array(UnsafeBufferPointer(start: staple, count: max(0, Int(stapleCount)))))
    }

    private func shakeHands(_ client: SSL, _ server: SSL) -> String? {
        for _ in 0..<16 {
            let clientResult = SSL_do_handshake(client)
            if let failure = failure(client, clientResult) { return failure }
            let serverResult = SSL_do_handshake(server)
            if let failure = failure(server, serverResult) { return failure }
            guard clientResult == 1, serverResult == 1 else { continue }
            // A ticket of TLS 1.3 arrives with the first read.
            var byte: UInt8 = 0
            unsafe SSL_read(client, &byte, 1)
            return nil
        }
        return "the handshake does not end"
    }

    private func failure(_ session: SSL, _ result: Int32) -> String? {
        if result == 1 { return nil }
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return nil
        default: return TLSError("shake hands").reason
        }
    }
}
