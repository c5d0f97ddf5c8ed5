import COpenSSL
import Memory

/// A reference to a session of OpenSSL (SSL), the state of one TLS connection, with the calls that its users make.
///
/// It is not counted, and valid until its owner frees it by `uncheckedFree`: a `TLSStream`, or a connection of a trial.
/// Results are OpenSSL's.
@safe
struct SessionReference: BitwiseCopyable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    /// A new session; nil when OpenSSL cannot allocate it.
    init?(of context: OpaquePointer) {
        guard let made = unsafe SSL_new(context) else { return nil }
        unsafe pointer = made
    }

    /// Frees the session: no reference to it may be used afterwards.
    @unsafe func uncheckedFree() { unsafe SSL_free(pointer) }

    // MARK: Before the handshake

    /// Makes the session receive from and send to this channel, which outlives it.
    func attach(to channel: RecordChannel) {
        let bio = unsafe SocketBIO.make(for: channel)
        unsafe SSL_set_bio(pointer, bio, bio)
    }

    /// Makes the session receive from and send to buffers in memory.
    func attachToMemory() {
        unsafe SSL_set_bio(pointer, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()))
    }

    func beginAsClient() { unsafe SSL_set_connect_state(pointer) }
    func beginAsServer() { unsafe SSL_set_accept_state(pointer) }

    func resume(_ resumption: TLSResumption) { unsafe SSL_set_session(pointer, resumption.pointer) }

    // MARK: Handshake

    func shakeHands() -> Int32 { unsafe SSL_do_handshake(pointer) }

    /// Why a call returned `result` (SSL_get_error).
    @inline(__always)
    func error(of result: Int32) -> Int32 { unsafe SSL_get_error(pointer, result) }

    var isReused: Bool { unsafe SSL_session_reused(pointer) == 1 }

    /// OpenSSL's number for the result of the verification of the peer's certificate, and its text.
    var verdict: Int { unsafe SSL_get_verify_result(pointer) }
    static func text(ofVerdict verdict: Int) -> String {
        unsafe String(cString: X509_verify_cert_error_string(verdict))
    }

    /// What the next connection to the same peer may resume, and whether it is complete.
    func resumption() -> (TLSResumption, isResumable: Bool)? {
        guard let known = unsafe SSL_get1_session(pointer) else { return nil }
        let isResumable = unsafe SSL_SESSION_is_resumable(known) == 1
        return unsafe (TLSResumption(known), isResumable)
    }

    // MARK: Content

    /// Whether OpenSSL has received bytes that it has not returned.
    @inline(__always)
    var hasPending: Bool { unsafe SSL_has_pending(pointer) != 0 }

    @inline(__always)
    func read(into buffer: MutableByteView) -> Int32 {
        unsafe SSL_read(pointer, buffer.baseAddress, Int32(clamping: buffer.count))
    }

    @inline(__always)
    func write(_ bytes: ByteView) -> Int32 {
        unsafe SSL_write(pointer, bytes.baseAddress, Int32(clamping: bytes.count))
    }

    /// Makes OpenSSL read the records that are there, of which none has content.
    func readNothing() -> Int32 {
        var byte: UInt8 = 0
        return unsafe SSL_read(pointer, &byte, 1)
    }

    func updateKeys() { unsafe SSL_key_update(pointer, SSL_KEY_UPDATE_REQUESTED) }

    // MARK: End

    /// Sends close_notify.
    func shutDown() { unsafe SSL_shutdown(pointer) }

    /// Counts the session as ended properly: one that counts as broken could not be resumed.
    func countAsEnded() { unsafe SSL_set_shutdown(pointer, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }

    // MARK: Memory that the session is attached to

    /// Gives the session records to receive; the number of bytes taken.
    func deliver(_ records: ByteView) -> Int {
        unsafe Int(BIO_write(SSL_get_rbio(pointer), records.baseAddress, Int32(records.count)))
    }

    /// Takes records that the session has sent; 0 or less when there are none.
    func collect(into buffer: MutableByteView) -> Int {
        unsafe Int(BIO_read(SSL_get_wbio(pointer), buffer.baseAddress, Int32(buffer.count)))
    }
}
