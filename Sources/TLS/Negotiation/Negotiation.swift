import COpenSSL
import Memory

/// The certificate selection of one handshake: from the name in the ClientHello to the site that answers.
///
/// OpenSSL's callbacks find it through the session, which keeps no reference: the owner of the session owns this too,
/// until the handshake is complete. It keeps a reference to the store with which the handshake began. The session
/// stores the pointer as the argument of a callback that is not set: OpenSSL's facility for applications
/// (`SSL_set_ex_data`) takes two allocations, which would stay for the lifetime of the connection.
final class Negotiation {
    let store: CertificateStore
    private let challenges: ChallengeCertificates?
    /// Whether the handshake is the validation of a challenge, and nothing follows.
    private(set) var isChallenge = false
    /// Whether the client is the gateway's own trial, which has no certificate.
    private let isProof: Bool
    private(set) var answer: CertificateStore.Answer?
    private var serverName: RequestedServerName?
    /// Why the ClientHello was refused.
    private(set) var refusal: String?

    init(_ store: CertificateStore, challenges: ChallengeCertificates? = nil, isProof: Bool = false) {
        self.store = store
        self.challenges = challenges
        self.isProof = isProof
    }

    var site: CertificateStore.Site? { answer?.site }

    func begin(_ session: SSL) {
        unsafe SSL_set_record_padding_callback_arg(session, Unmanaged.passUnretained(self).toOpaque())
    }

    static func end(_ session: SSL) {
        SSL_set_record_padding_callback_arg(session, nil)
    }

    static func of(_ session: SSL?) -> Negotiation? {
        guard let reference = unsafe SSL_get_record_padding_callback_arg(session) else { return nil }
        return unsafe Unretained<Negotiation>(uncheckedAt: reference).value
    }

    func staple(for certificate: X509?) -> OCSPStaple? {
        answer?.certificates.first { $0.identity.certificate.isSame(as: certificate) }?.staple
    }

    /// Determines site, policy and certificates. This happens before OpenSSL reads a ticket or selects a version, so
    /// that a session of another site is not resumed (CVE-2025-23419 concerns servers that select later).
    ///
    /// - Returns: the alert to refuse the ClientHello with.
    fileprivate func helloArrived(_ session: SSL) -> Int32? {
        let requested = session.requestedServerName
        if let serverName, serverName != requested {
            // The second ClientHello, after a HelloRetryRequest, repeats the first (RFC 8446 §4.1.2).
            return refuse("server name changed between hellos", SSL_AD_ILLEGAL_PARAMETER)
        }
        serverName = requested
        let name: String?
        switch requested {
        case .absent: name = nil
        case .name(let requested): name = requested
        case .malformed: return refuse("malformed server name", SSL_AD_DECODE_ERROR)
        case .invalid: return refuse("invalid server name", SSL_AD_ILLEGAL_PARAMETER)
        }
        if let name, let challenges, ChallengeCertificates.isOffered(by: session),
            let identity = challenges.identity(for: name)
        {
            isChallenge = true
            SSL_set_options(session, COpenSSL_OP_NO_TICKET)
            return identity.attach(to: session) ? nil : refuse(TLSError("attach").reason, SSL_AD_INTERNAL_ERROR)
        }
        guard let answer = store.answer(for: name) else {
            return refuse(name == nil ? "no server name" : "unknown server name", SSL_AD_UNRECOGNIZED_NAME)
        }
        if answer.isWaiting, !isProof { return refuse("certificate not issued yet", SSL_AD_INTERNAL_ERROR) }
        self.answer = answer
        answer.site.context.adopt(session, from: store.initial)
        answer.site.sessionContext.bytes.withBytes { session.setContextIdentity($0) }
        if let clients = answer.site.context.key.clients, !isProof {
            COpenSSL_set_verify(session, clients.verification)
            SSL_set_verify_depth(session, Int32(clients.depth))
        }
        for served in answer.certificates {
            guard served.identity.attach(to: session) else {
                return refuse(TLSError("attach").reason, SSL_AD_INTERNAL_ERROR)
            }
        }
        return nil
    }

    private func refuse(_ reason: String, _ alert: Int32) -> Int32 {
        refusal = reason
        return alert
    }

    /// Whether the client named a site, and did not get the default.
    fileprivate var isNamed: Bool {
        if case .name(let name) = serverName { store.answers[name] != nil } else { false }
    }
}

extension SSL {
    fileprivate var requestedServerName: RequestedServerName {
        guard let names = helloExtension(TLSEXT_TYPE_server_name) else { return .absent }
        return RequestedServerName(names.span)
    }
}

let clientHelloCallback: @convention(c) (SSL?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) -> Int32 = {
    session, alert, _ in
    guard let session, let negotiation = Negotiation.of(session) else {
        return SSL_CLIENT_HELLO_ERROR
    }
    guard let refusal = negotiation.helloArrived(session) else { return SSL_CLIENT_HELLO_SUCCESS }
    unsafe alert?.pointee = refusal
    return SSL_CLIENT_HELLO_ERROR
}

/// Confirms the name to the client (RFC 6066 §3); the selection was made when its ClientHello arrived.
let serverNameCallback: @convention(c) (SSL?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) -> Int32 = {
    session, _, _ in
    Negotiation.of(session)?.isNamed == true ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
}
