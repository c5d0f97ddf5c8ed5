import COpenSSL
import Glibc

/// What a handshake shows of the records behind it: their secrets, and what OpenSSL has protected with them itself.
///
/// OpenSSL tells its secrets to the callback by which programs log keys for debuggers; here they stay in memory, for
/// as long as the handshake takes. What it has written is seen where it leaves.
final class HandshakeRecords {
    /// Of the records that are sent behind the handshake; empty before its end, and in TLS 1.2.
    private(set) var sending = LoggedSecret()
    /// Of those that are received.
    private(set) var receiving = LoggedSecret()
    var written = ProtectedRecords()

    /// Has OpenSSL tell the channel of each session of this context its secrets.
    static func listen(in context: OpaquePointer) {
        unsafe SSL_CTX_set_keylog_callback(context) { session, line in
            guard let session = unsafe session, let line = unsafe line,
                let channel = unsafe SocketBIO.channel(of: session)
            else { return }
            unsafe channel.handshakeRecords?.read(line, isServer: SSL_is_server(session) == 1)
        }
    }

    /// Takes a secret from a line of NSS's key log format, `LABEL RANDOM SECRET`, both in hexadecimal digits.
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
