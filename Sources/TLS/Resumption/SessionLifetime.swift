import COpenSSL

/// How long a session may be resumed, from ticket to ticket.
///
/// Each resumption of TLS 1.3 issues a new ticket, since clients use each only once, so that two connections cannot be
/// linked to the same client (RFC 8446 appendix C.4). With a chain of tickets a client would never have to present its
/// certificate again, and the gateway would never check it: for sessions with client certificates, the ticket contains
/// the time of the full handshake.
enum SessionLifetime {
    /// From the handshake in which a client presented its certificate to the next one, in seconds.
    static let longest: Int64 = 24 * 60 * 60

    /// Whether a session that began at `start` may still be resumed.
    static func mayResume(since start: Timestamp, at now: Timestamp) -> Bool {
        (start.seconds...start.seconds + longest).contains(now.seconds)
    }

    static func install(in context: OpaquePointer) {
        unsafe SSL_CTX_set_session_ticket_cb(context, noteStart, decideResumption, nil)
    }

    private static let noteStart: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { session, _ in
        guard let resumable = unsafe SSL_get_session(session), unsafe SSL_SESSION_get0_peer(resumable) != nil,
            unsafe beginning(of: resumable) == nil
        else { return 1 }
        let now = Timestamp.now.seconds
        return unsafe withUnsafeBytes(of: now) {
            unsafe SSL_SESSION_set1_ticket_appdata(resumable, $0.baseAddress, $0.count)
        }
    }

    private static let decideResumption:
        @convention(c) (
            OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, Int, SSL_TICKET_STATUS, UnsafeMutableRawPointer?
        ) -> SSL_TICKET_RETURN = { session, resumable, _, _, status, _ in
            guard let resumable = unsafe resumable,
                status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW
            else { return SSL_TICKET_RETURN_IGNORE_RENEW }
            if let certificate = unsafe SSL_SESSION_get0_peer(resumable) {
                let isOver = unsafe X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0
                guard !isOver, let began = unsafe beginning(of: resumable), mayResume(since: began, at: .now) else {
                    return SSL_TICKET_RETURN_IGNORE_RENEW
                }
            }
            let isRenewed =
                unsafe status == SSL_TICKET_SUCCESS_RENEW || SSL_version(session) >= TLSPolicy.Version.tls13.rawValue
            return isRenewed ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE
        }

    private static func beginning(of resumable: OpaquePointer) -> Timestamp? {
        var data: UnsafeMutableRawPointer?
        var count = 0
        guard unsafe SSL_SESSION_get0_ticket_appdata(resumable, &data, &count) == 1, let data = unsafe data, count == 8
        else { return nil }
        return Timestamp(seconds: unsafe data.loadUnaligned(as: Int64.self))
    }
}
