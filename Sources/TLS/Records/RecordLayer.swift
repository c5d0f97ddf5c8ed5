import COpenSSL

/// Both directions of a TLS 1.3 connection after its handshake, if the gateway handles the records.
@safe
struct RecordLayer: ~Copyable {
    var sealer: RecordSealer
    var opener: RecordOpener
    /// The maximum content of one record, in bytes (RFC 6066 §4).
    let contentLimit: Int

    /// Sets what OpenSSL must not do with the records of sessions of this context, and which callbacks it calls.
    static func configure(_ context: SSL_CTX) {
        COpenSSL_CTX_set_mode(context, COpenSSL_MODE_RELEASE_BUFFERS)
        COpenSSL_CTX_set_read_ahead(context, 1)
        // The system's configuration of OpenSSL may request both: kernel TLS, and padding.
        SSL_CTX_clear_options(context, COpenSSL_OP_ENABLE_KTLS)
        SSL_CTX_set_block_padding(context, 1)
        HandshakeRecords.listen(in: context)
    }

    /// Why OpenSSL keeps the records of a connection.
    enum Refusal: Error {
        /// They are of a kind that is not handled here.
        case notOurs
        /// It could not be proved that the gateway's records would be right.
        case unproven
    }

    /// The layer after the handshake of `session`, which is complete.
    ///
    /// - Throws: why there is none; then nothing about the session has changed.
    static func takingOver(
        _ reference: SessionReference, _ handshake: HandshakeRecords, isAtBoundary: Bool, contexts: ConnectionContexts
    ) throws(Refusal) -> RecordLayer {
        let session = reference.object
        let role = SSL_is_server(session) == 1 ? RecordOpener.Role.server : .client
        guard let cipher = RecordCipher(of: session), cipher.implementation != nil,
            !mayLimitRecordSize()
        else { throw .notOurs }
        guard isAtBoundary, !reference.hasPending else { throw .unproven }
        guard
            let sealing = RecordProof.keys(
                behind: handshake.written, by: role, under: handshake.sending, cipher, contexts: contexts),
            let receiving = TrafficSecret(handshake.receiving, cipher),
            let opening = RecordKeys(receiving, sequence: 0, contexts: contexts.opening)
        else {
            ERR_clear_error()
            throw .unproven
        }
        let limit = contentLimit(of: session)
        return RecordLayer(
            sealer: RecordSealer(sealing),
            opener: RecordOpener(opening, as: role, contentLimit: limit), contentLimit: limit)
    }

    private init(sealer: consuming RecordSealer, opener: consuming RecordOpener, contentLimit: Int) {
        self.sealer = sealer
        self.opener = opener
        self.contentLimit = contentLimit
    }

    /// Wipes all keys; nothing can be sealed or opened after this.
    mutating func forget() {
        sealer.forget()
        opener.forget()
    }

    /// The limit negotiated by max_fragment_length, or else the limit of TLS.
    private static func contentLimit(of session: SSL) -> Int {
        guard let established = SSL_get_session(session) else { return RecordSealer.mostContent }
        let code = Int(SSL_SESSION_get_max_fragment_length(established))
        return (1...4).contains(code) ? 256 << code : RecordSealer.mostContent
    }

    /// Whether record_size_limit (RFC 8449) may have been negotiated, which libssl does not report.
    ///
    /// The present versions do not support it, so that both sides use the limit of TLS.
    private static func mayLimitRecordSize() -> Bool {
        SSL_extension_supported(recordSizeLimit) == 1
    }

    private static let recordSizeLimit: UInt32 = 28
}
