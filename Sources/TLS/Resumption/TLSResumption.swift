import COpenSSL

/// The session with which a client can shorten its next handshake (RFC 8446 §2.2, RFC 5077); used on one thread.
@safe
package final class TLSResumption {
    let pointer: OpaquePointer

    /// Takes ownership of a session.
    init(_ session: OpaquePointer) {
        unsafe pointer = session
    }

    deinit {
        unsafe SSL_SESSION_free(pointer)
    }
}
