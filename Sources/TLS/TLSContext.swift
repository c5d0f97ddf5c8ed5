import COpenSSL
import Memory

/// An `SSL_CTX`: one policy and one verification of client certificates, for all sites that have them in common.
///
/// It has no server certificates: a handshake gets those of its site once the client has named it. So a context stays
/// in use when certificates are replaced, and is freed with the last session that was created from it.
@safe
final class TLSContext: @unchecked Sendable {
    struct Key: Hashable, Sendable {
        var policy: TLSPolicy
        var clients: ClientAuthorities?
    }

    let key: Key
    let object: SSL_CTX
    /// ALPN's wire form: each name after its length (RFC 7301 §3.1).
    private let applicationProtocols: [UInt8]
    /// The protocols for a connection whose cipher HTTP/2 forbids.
    private let otherProtocols: [UInt8]
    /// The groups of the policy that the library supports.
    private let groups: String

    var policy: TLSPolicy { key.policy }

    /// - Throws: a problem with the policy, reported for `file`, or with the files of `key.clients`.
    init(_ key: Key, file: String) throws(CertificateProblem) {
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw CertificateProblem(file, .policy(TLSError("create TLS context").reason))
        }
        self.key = key
        object = context
        applicationProtocols = Self.wireForm(key.policy.applicationProtocols)
        otherProtocols = Self.wireForm(key.policy.applicationProtocols.filter { $0 != "h2" })
        let groups = Result { () throws(TLSError) in try KeyExchangeGroups.usable(key.policy.groups) }
        self.groups = (try? groups.get()) ?? ""
        configure(context)
        do throws(TLSError) {
            _ = try groups.get()
            try apply(key.policy, to: context)
        } catch {
            throw CertificateProblem(file, .policy("\(error.action): \(error.reason)"))
        }
        if key.policy.applicationProtocols.contains("h2"), key.policy.maximum == .tls12,
            !hasCipherForHTTP2(context)
        {
            throw CertificateProblem(
                file, .policy("alpn offers h2, but HTTP/2 allows none of these ciphers (RFC 9113 §9.2.2)"))
        }
        try key.clients?.install(in: context)
    }

    private static func wireForm(_ protocols: [String]) -> [UInt8] {
        protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    }

    /// Whether there is one of TLS 1.2; those of 1.3 are in every list.
    private func hasCipherForHTTP2(_ context: SSL_CTX) -> Bool {
        (0..<max(0, COpenSSL_CTX_ciphers_count(context))).contains { place in
            guard let cipher = COpenSSL_CTX_cipher(context, place) else { return false }
            return isCipherForHTTP2(cipher) && SSL_CIPHER_get_kx_nid(cipher) != NID_kx_any
        }
    }

    private func configure(_ context: SSL_CTX) {
        RecordLayer.configure(context)
        // An early FIN needs no error here: HTTP framing distinguishes a complete message from one that was cut off.
        SSL_CTX_set_options(
            context, COpenSSL_OP_NO_RENEGOTIATION | COpenSSL_OP_NO_COMPRESSION | COpenSSL_OP_IGNORE_UNEXPECTED_EOF)
        // The order of the policy counts; but a client that prefers ChaCha20 has no hardware for AES.
        SSL_CTX_set_options(context, COpenSSL_OP_CIPHER_SERVER_PREFERENCE | COpenSSL_OP_PRIORITIZE_CHACHA)
        // Sessions are stored only in tickets, which are bound to their site.
        COpenSSL_CTX_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
        COpenSSL_CTX_set_dh_auto(context, 1)
        // 112 bits, whatever the system's own default is.
        SSL_CTX_set_security_level(context, 2)
        unsafe SSL_CTX_set_client_hello_cb(context, clientHelloCallback, nil)
        unsafe COpenSSL_CTX_set_servername_callback(context, serverNameCallback)
        unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticketKeyCallback)
        SessionLifetime.install(in: context)
        unsafe COpenSSL_CTX_set_status_callback(context, stapleCallback)
        unsafe SSL_CTX_set_alpn_select_cb(context, selectApplicationProtocol, nil)
    }

    private func apply(_ policy: TLSPolicy, to context: SSL_CTX) throws(TLSError) {
        guard COpenSSL_CTX_set_min_proto_version(context, policy.minimum.rawValue) == 1,
            COpenSSL_CTX_set_max_proto_version(context, policy.maximum.rawValue) == 1
        else { throw TLSError("versions") }
        guard SSL_CTX_set_cipher_list(context, policy.ciphers) == 1 else { throw TLSError("ciphers") }
        guard SSL_CTX_set_ciphersuites(context, policy.suites) == 1 else { throw TLSError("suites") }
        guard COpenSSL_CTX_set1_groups_list(context, groups) == 1 else { throw TLSError("groups") }
        SSL_CTX_set_num_tickets(context, policy.issuesTickets ? 1 : 0)
        if !policy.issuesTickets { SSL_CTX_set_options(context, COpenSSL_OP_NO_TICKET) }
    }

    /// Moves a session that was created from another context to this one.
    ///
    /// OpenSSL itself replaces only what belongs to the context; the rest was copied when the session was created.
    func adopt(_ session: SSL, from other: TLSContext) {
        guard other !== self else { return }
        COpenSSL_set_context(session, object)
        COpenSSL_set_min_proto_version(session, policy.minimum.rawValue)
        COpenSSL_set_max_proto_version(session, policy.maximum.rawValue)
        if policy.ciphers != other.policy.ciphers { SSL_set_cipher_list(session, policy.ciphers) }
        if policy.suites != other.policy.suites { SSL_set_ciphersuites(session, policy.suites) }
        if groups != other.groups { COpenSSL_set1_groups_list(session, groups) }
        SSL_set_num_tickets(session, policy.issuesTickets ? 1 : 0)
        if policy.issuesTickets {
            SSL_clear_options(session, COpenSSL_OP_NO_TICKET)
        } else {
            SSL_set_options(session, COpenSSL_OP_NO_TICKET)
        }
    }

    /// Selects the first protocol of the list that the client offers; without overlap the handshake ends with
    /// `no_application_protocol` (RFC 7301 §3.2).
    fileprivate func select(from offered: ByteView, for session: SSL?) -> ByteView? {
        var chosen: UnsafeMutablePointer<UInt8>?
        var count: UInt8 = 0
        // The cipher is chosen before the protocol.
        let cipher = SSL_get_pending_cipher(session)
        let isForHTTP2 = cipher.map { isCipherForHTTP2($0) } ?? true
        let protocols = isForHTTP2 ? applicationProtocols : otherProtocols
        let outcome = protocols.withBytes { ours in
            unsafe SSL_select_next_proto(
                &chosen, &count, ours.octets, UInt32(ours.count), offered.octets, UInt32(offered.count))
        }
        // The result points into the list, which lives as long as the context.
        guard outcome == OPENSSL_NPN_NEGOTIATED else { return nil }
        return unsafe ByteView(start: chosen, count: Int(count))
    }
}

/// Whether a cipher is none of those that HTTP/2 forbids (RFC 9113 §9.2.2): of TLS 1.3, or with ephemeral keys and
/// authenticated encryption.
private func isCipherForHTTP2(_ cipher: SSL_CIPHER) -> Bool {
    guard SSL_CIPHER_is_aead(cipher) == 1 else { return false }
    return [NID_kx_ecdhe, NID_kx_dhe, NID_kx_any].contains(SSL_CIPHER_get_kx_nid(cipher))
}

private let selectApplicationProtocol:
    @convention(c) (
        SSL?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
        UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
    ) -> Int32 = { session, chosen, chosenCount, offered, offeredCount, _ in
        let offer = unsafe ByteView(start: offered, count: Int(offeredCount))
        if let negotiation = Negotiation.of(session), negotiation.isChallenge {
            // The only name of the list, after its length.
            unsafe chosen?.pointee = offer.dropFirst(1).octets
            unsafe chosenCount?.pointee = UInt8(offer.count - 1)
            return SSL_TLSEXT_ERR_OK
        }
        guard let context = Negotiation.of(session)?.site?.context,
            let name = context.select(from: offer, for: session)
        else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        unsafe chosen?.pointee = name.octets
        unsafe chosenCount?.pointee = UInt8(name.count)
        return SSL_TLSEXT_ERR_OK
    }
