import COpenSSL

/// What a server gave a client for the next handshake to be shorter (RFC 8446 §2.2, RFC 5077); used on one thread.
@safe
package final class TLSResumption {
    let pointer: OpaquePointer

    /// Takes over a session.
    init(_ session: OpaquePointer) {
        unsafe pointer = session
    }

    deinit {
        unsafe SSL_SESSION_free(pointer)
    }
}
