import COpenSSL

/// The session with which a client can shorten its next handshake (RFC 8446 §2.2, RFC 5077); used on one thread.
package final class TLSResumption {
    let session: SSL_SESSION

    init(_ session: SSL_SESSION) {
        self.session = session
    }
}
