import COpenSSL
import Glibc

/// What a handshake reveals about the records after it: their secrets, and what OpenSSL has protected with these
/// itself.
///
/// OpenSSL passes its secrets to the key log callback, which programs use for debuggers; here they stay in memory, for
/// the duration of the handshake. What OpenSSL writes is observed where it is sent.
final class HandshakeRecords {
    /// The secret of the records that are sent after the handshake; empty before its end, and in TLS 1.2.
    private(set) var sending = LoggedSecret()
    /// The secret of those that are received.
    private(set) var receiving = LoggedSecret()
    var written = ProtectedRecords()

    /// Makes OpenSSL pass the secrets of each session of this context to its channel.
    static func listen(in context: OpaquePointer) {
        unsafe SSL_CTX_set_keylog_callback(context) { session, line in
            guard let session = unsafe session, let line = unsafe line,
                let channel = unsafe SocketBIO.channel(of: session)
            else { return }
            unsafe channel.handshakeRecords?.read(line, isServer: SSL_is_server(session) == 1)
        }
    }

    /// Parses a secret from a line of NSS's key log format, `LABEL RANDOM SECRET`, both in hexadecimal digits.
    private func read(_ line: UnsafePointer<CChar>, isServer: Bool) {
        let server: StaticString = "SERVER_TRAFFIC_SECRET_0 "
        let client: StaticString = "CLIENT_TRAFFIC_SECRET_0 "
        let isServers = unsafe strncmp(line, server.utf8Start, server.utf8CodeUnitCount) == 0
        guard unsafe isServers || strncmp(line, client.utf8Start, client.utf8CodeUnitCount) == 0,
            let digits = unsafe strrchr(line, 0x20)
        else { return }
        if isServers == isServer {
            unsafe sending.read(digits + 1)
        } else {
            unsafe receiving.read(digits + 1)
        }
    }

    func wipe() {
        sending.forget()
        receiving.forget()
    }
}
