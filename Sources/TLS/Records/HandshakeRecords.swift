import COpenSSL
import Glibc
import Memory

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
    static func listen(in context: SSL_CTX) {
        unsafe SSL_CTX_set_keylog_callback(context) { session, line in
            guard let session, let channel = SocketBIO.channel(of: session), let line = unsafe line else { return }
            let text = unsafe ByteView(start: line, count: strlen(line))
            channel.handshakeRecords?.read(text, isServer: SSL_is_server(session) == 1)
        }
    }

    /// Parses a secret from a line of NSS's key log format, `LABEL RANDOM SECRET`, both in hexadecimal digits.
    private func read(_ line: ByteView, isServer: Bool) {
        let isServers = line.starts(with: ByteView("SERVER_TRAFFIC_SECRET_0 "))
        guard isServers || line.starts(with: ByteView("CLIENT_TRAFFIC_SECRET_0 ")),
            let space = line.lastIndex(of: UInt8(ascii: " "))
        else { return }
        if isServers == isServer {
            sending.read(line[(space + 1)...])
        } else {
            receiving.read(line[(space + 1)...])
        }
    }

    func wipe() {
        sending.forget()
        receiving.forget()
    }
}
