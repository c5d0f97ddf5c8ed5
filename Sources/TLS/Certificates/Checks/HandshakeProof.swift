import COpenSSL

/// Handshakes in memory with a client of the gateway's own, which try certificates before real clients receive them.
///
/// One takes a millisecond. If there are thousands to be tried, one handshake is made for all certificates of the same
/// shape, and for the others the key signs data that its certificate has to verify.
final class HandshakeProof: Sendable {
    /// What was tried: while certificate and context are the same objects, the result is the same.
    struct Subject: Hashable, Sendable {
        let name: ServerNamePattern
        let identity: ObjectIdentifier
        let context: ObjectIdentifier

        init(_ name: ServerNamePattern, _ answer: CertificateStore.Answer, _ served: CertificateStore.Served) {
            self.name = name
            identity = ObjectIdentifier(served.identity)
            context = ObjectIdentifier(answer.site.context)
        }
    }

    /// What determines the result of a handshake besides the key itself: policy, kind of key, signature and issuers.
    struct Shape: Hashable {
        private let context: ObjectIdentifier
        private let keyType: KeyType
        private let signature: Int32
        private let issuers: [ObjectIdentifier]

        init(_ answer: CertificateStore.Answer, _ served: CertificateStore.Served) {
            context = ObjectIdentifier(answer.site.context)
            keyType = served.identity.keyType
            signature = served.identity.certificate.signatureAlgorithm
            issuers = served.identity.issuers.map { ObjectIdentifier($0) }
        }
    }

    private let clients: [KeyType.Kind: Client]

    init() {
        clients = [
            .ecdsa: Client(accepting: "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512"),
            .rsa: Client(
                accepting: "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512:"
                    + "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512"),
            .ed25519: Client(accepting: "ed25519"),
        ].compactMapValues { $0 }
        ERR_clear_error()
    }

    /// The settings of clients that accept one kind of key.
    private final class Client: Sendable {
        let context: SSL_CTX

        init?(accepting algorithms: String) {
            guard let context = SSL_CTX_new(TLS_client_method()) else { return nil }
            self.context = context
            COpenSSL_CTX_set1_sigalgs_list(context, algorithms)
            COpenSSL_CTX_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
            // Trust is not tried here: the certificate is compared with the intended one.
            COpenSSL_CTX_require_peer(context)
            unsafe SSL_CTX_set_cert_verify_callback(context, { _, _ in 1 }, nil)
        }
    }

    /// Performs a handshake as a client that sends `name` and accepts one kind of key.
    ///
    /// - Returns: OpenSSL's message about a failure; nil when the client received `served`.
    func failure(for name: String?, of served: CertificateStore.Served, in store: CertificateStore) -> String? {
        defer { ERR_clear_error() }
        guard let settings = clients[served.identity.keyType.kind],
            let client = SessionReference(of: settings.context)
        else {
            return "no client understands its key"
        }
        defer { unsafe client.uncheckedFree() }
        guard let server = SessionReference(of: store.initial.object) else {
            return TLSError("create session").reason
        }
        defer { unsafe server.uncheckedFree() }
        guard SessionReference.connect(client, server) else { return TLSError("pair").reason }
        if let name { COpenSSL_set_server_name(client.object, name) }
        client.beginAsClient()
        server.beginAsServer()
        let negotiation = Negotiation(store, isProof: true)
        return withExtendedLifetime(negotiation) {
            negotiation.begin(server.object)
            if let failure = shakeHands(client, server) { return negotiation.refusal ?? failure }
            let isShown = served.identity.certificate.isSame(as: SSL_get0_peer_certificate(client.object))
            return isShown ? nil : "another certificate was shown"
        }
    }

    /// Runs both sides in turn until both are complete or one fails.
    private func shakeHands(_ client: SessionReference, _ server: SessionReference) -> String? {
        // The longest handshake of TLS 1.2 takes five turns; large chains fill the pair's buffers more often.
        for _ in 0..<64 {
            let clientResult = client.shakeHands()
            if let failure = failure(client, clientResult) { return failure }
            let serverResult = server.shakeHands()
            if let failure = failure(server, serverResult) { return failure }
            if clientResult == 1, serverResult == 1 { return nil }
        }
        return "the handshake does not end"
    }

    private func failure(_ session: SessionReference, _ result: Int32) -> String? {
        if result == 1 { return nil }
        switch session.error(of: result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return nil
        default: return TLSError("shake hands").reason
        }
    }
}
