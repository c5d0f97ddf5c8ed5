import COpenSSL
import Memory

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

    static func install(in context: SSL_CTX) {
        unsafe SSL_CTX_set_session_ticket_cb(context, noteStart, decideResumption, nil)
    }

    private static let noteStart: @convention(c) (SSL?, UnsafeMutableRawPointer?) -> Int32 = { session, _ in
        guard let session, let resumable = SSL_get_session(session), SSL_SESSION_get0_peer(resumable) != nil,
            beginning(of: resumable) == nil
        else { return 1 }
        return BytesOfValues.with(Timestamp.now.seconds) { resumable.setTicketData($0) ? 1 : 0 }
    }

    private static let decideResumption:
        @convention(c) (
            SSL?, SSL_SESSION?, UnsafePointer<UInt8>?, Int, SSL_TICKET_STATUS, UnsafeMutableRawPointer?
        ) -> SSL_TICKET_RETURN = { session, resumable, _, _, status, _ in
            guard let resumable, status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW
            else { return SSL_TICKET_RETURN_IGNORE_RENEW }
            if let certificate = SSL_SESSION_get0_peer(resumable) {
                guard COpenSSL_X509_has_expired(certificate) == 0, let began = beginning(of: resumable),
                    mayResume(since: began, at: .now)
                else { return SSL_TICKET_RETURN_IGNORE_RENEW }
            }
            let isRenewed =
                status == SSL_TICKET_SUCCESS_RENEW || SSL_version(session) >= TLSPolicy.Version.tls13.rawValue
            return isRenewed ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE
        }

    private static func beginning(of resumable: SSL_SESSION) -> Timestamp? {
        guard let data = resumable.ticketData, data.count == 8 else { return nil }
        return Timestamp(seconds: Int64(bitPattern: data.load(at: 0, as: UInt64.self)))
    }
}
