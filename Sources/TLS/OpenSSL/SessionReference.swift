import COpenSSL
import Memory

/// A reference to a session of OpenSSL (SSL), the state of one TLS connection, with the calls that its users make.
///
/// It is not counted, so that the calls for each record cost nothing more, and is valid until its owner drops the session
/// by `uncheckedFree`: a `TLSStream`, or a connection of a trial. Results are OpenSSL's.
@safe
struct SessionReference: BitwiseCopyable {
    private let pointer: UnsafeMutableRawPointer

    /// Takes a reference that `uncheckedFree` drops.
    init(keeping session: SSL) {
        unsafe COpenSSL_SSL_retain(session)
        unsafe pointer = unsafeBitCast(session, to: UnsafeMutableRawPointer.self)
    }

    /// A new session; nil when OpenSSL cannot allocate it.
    init?(of context: SSL_CTX) {
        guard let made = SSL_new(context) else { return nil }
        self.init(keeping: made)
    }

    /// Frees the session: no reference to it may be used afterwards.
    @unsafe func uncheckedFree() { unsafe COpenSSL_SSL_release(object) }

    /// The session itself, which is counted: for calls that are made a few times in a connection.
    var object: SSL { unsafe unsafeBitCast(pointer, to: SSL.self) }

    // MARK: Before the handshake

    /// Makes the session receive from and send to this channel, which outlives it.
    func attach(to channel: RecordChannel) {
        let bio = SocketBIO.make(for: channel)
        COpenSSL_set_bios(object, bio, bio)
    }

    /// Makes the session receive from and send to buffers in memory; false when OpenSSL cannot allocate them.
    @discardableResult
    func attachToMemory() -> Bool {
        guard let source = BIO.buffer(), let sink = BIO.buffer() else { return false }
        COpenSSL_set_bios(object, source, sink)
        return true
    }

    /// Makes two sessions receive what the other one sends; false when OpenSSL cannot allocate the buffers.
    static func connect(_ one: SessionReference, _ other: SessionReference) -> Bool {
        guard let end = BIO_new(BIO_s_bio()), let otherEnd = COpenSSL_BIO_new_pair_end(end) else { return false }
        COpenSSL_set_bios(one.object, end, end)
        COpenSSL_set_bios(other.object, otherEnd, otherEnd)
        return true
    }

    func beginAsClient() { SSL_set_connect_state(object) }
    func beginAsServer() { SSL_set_accept_state(object) }

    func resume(_ resumption: TLSResumption) { _ = SSL_set_session(object, resumption.session) }

    // MARK: Handshake

    func shakeHands() -> Int32 { SSL_do_handshake(object) }

    /// Why a call returned `result` (SSL_get_error).
    @inline(__always)
    func error(of result: Int32) -> Int32 { unsafe COpenSSL_error_of(pointer, result) }

    var isReused: Bool { SSL_session_reused(object) == 1 }

    /// OpenSSL's number for the result of the verification of the peer's certificate, and its text.
    var verdict: Int { SSL_get_verify_result(object) }
    static func text(ofVerdict verdict: Int) -> String {
        unsafe String(cString: X509_verify_cert_error_string(verdict))
    }

    /// What the next connection to the same peer may resume, and whether it is complete.
    func resumption() -> (TLSResumption, isResumable: Bool)? {
        guard let known = SSL_get1_session(object) else { return nil }
        return (TLSResumption(known), SSL_SESSION_is_resumable(known) == 1)
    }

    // MARK: Content

    /// Whether OpenSSL has received bytes that it has not returned.
    @inline(__always)
    var hasPending: Bool { unsafe COpenSSL_has_pending(pointer) != 0 }

    @inline(__always)
    func read(into buffer: MutableByteView) -> Int32 {
        unsafe COpenSSL_read(pointer, buffer.baseAddress, Int32(clamping: buffer.count))
    }

    @inline(__always)
    func write(_ bytes: ByteView) -> Int32 {
        unsafe COpenSSL_write(pointer, bytes.baseAddress, Int32(clamping: bytes.count))
    }

    /// Makes OpenSSL read the records that are there, of which none has content.
    func readNothing() -> Int32 { withTemporaryBytes(1) { read(into: $0) } }

    func updateKeys() { _ = SSL_key_update(object, SSL_KEY_UPDATE_REQUESTED) }

    // MARK: End

    /// Sends close_notify.
    func shutDown() { _ = SSL_shutdown(object) }

    /// Counts the session as ended properly: one that counts as broken could not be resumed.
    func countAsEnded() { SSL_set_shutdown(object, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }

    // MARK: Memory that the session is attached to

    /// Gives the session records to receive; the number of bytes taken.
    func deliver(_ records: ByteView) -> Int { SSL_get_rbio(object)?.write(records) ?? -1 }

    /// Takes records that the session has sent; 0 or less when there are none.
    func collect(into buffer: MutableByteView) -> Int { SSL_get_wbio(object)?.read(into: buffer) ?? -1 }
}
