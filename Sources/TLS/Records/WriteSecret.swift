import COpenSSL
import Glibc

/// What a handshake comes to know of the records to be written behind it.
///
/// OpenSSL tells its secrets to the callback by which programs log keys for debuggers; here they stay in memory, for
/// as long as the handshake takes.
final class WriteSecret {
    /// As the handshake ends; empty before, and in TLS 1.2.
    private(set) var bytes: [UInt8] = []
    /// How many records OpenSSL has written with it.
    private(set) var records: UInt32 = 0

    /// Has OpenSSL tell the stream of each session of this context.
    static func listen(in context: OpaquePointer) {
        unsafe SSL_CTX_set_keylog_callback(context) { session, line in
            guard let session = unsafe session, let line = unsafe line,
                let stream = unsafe SocketBIO.stream(of: session)
            else { return }
            let label: StaticString =
                unsafe SSL_is_server(session) == 1 ? "SERVER_TRAFFIC_SECRET_0 " : "CLIENT_TRAFFIC_SECRET_0 "
            unsafe stream.writeSecret?.read(line, label)
        }
    }

    /// Has OpenSSL tell the stream of each record that `session` writes.
    static func listen(to session: OpaquePointer) {
        unsafe SSL_set_msg_callback(session) { isWritten, _, type, _, _, session, _ in
            guard isWritten == 1, type == SSL3_RT_HEADER, let session = unsafe session,
                let stream = unsafe SocketBIO.stream(of: session)
            else { return }
            stream.writeSecret?.records += 1
        }
    }

    static func stopListening(to session: OpaquePointer) {
        unsafe SSL_set_msg_callback(session, nil)
    }

    /// Takes the secret from a line of NSS's key log format, `LABEL RANDOM SECRET`, both in hexadecimal digits.
    func read(_ line: UnsafePointer<CChar>, _ label: StaticString) {
        guard unsafe strncmp(line, label.utf8Start, label.utf8CodeUnitCount) == 0,
            let digits = unsafe strrchr(line, 0x20)
        else { return }
        var count = 0
        guard let secret = unsafe OPENSSL_hexstr2buf(digits + 1, &count) else { return }
        bytes = unsafe Array(UnsafeBufferPointer(start: secret, count: count))
        unsafe COpenSSL_clear_free(secret, count)
        records = 0
    }

    func wipe() {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}
