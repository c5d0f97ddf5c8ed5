import COpenSSL
import Glibc
import Synchronization

@testable import TLS

/// An OpenSSL client on a socket with blocking calls of at most a minute.
@safe
final class StreamClient: @unchecked Sendable {
    private let session: SSL
    private let descriptor: Int32
    /// Handshake messages read, by type.
    private let messages = Mutex<[UInt8]>([])

    init(_ descriptor: Int32, suite: String?) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let context = SSL_CTX_new(TLS_client_method())!
        if let suite {
            SSL_CTX_set_ciphersuites(context, suite)
        } else {
            COpenSSL_CTX_set_max_proto_version(context, TLSPolicy.Version.tls12.rawValue)
        }
        session = SSL_new(context)!
        SSL_set_fd(session, descriptor)
        unsafe SSL_set_msg_callback(session) { isWritten, _, type, bytes, count, _, client in
            guard isWritten == 0, type == SSL3_RT_HANDSHAKE, count > 0, let bytes = unsafe bytes else { return }
            let message = unsafe bytes.load(as: UInt8.self)
            unsafe Unmanaged<StreamClient>.fromOpaque(client!).takeUnretainedValue().messages.withLock {
                $0.append(message)
            }
        }
        unsafe SSL_ctrl(session, SSL_CTRL_SET_MSG_CALLBACK_ARG, 0, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        close(descriptor)
    }

    func connect() -> Bool { SSL_connect(session) == 1 }

    /// How many KeyUpdate messages have been read.
    var keyUpdates: Int { messages.withLock { $0.count { $0 == UInt8(SSL3_MT_KEY_UPDATE) } } }

    func send(_ text: String) -> Bool {
        unsafe SSL_write(session, text, Int32(text.utf8.count)) == Int32(text.utf8.count)
    }

    /// Up to `count` bytes; fewer when the connection ends before.
    func read(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let read = unsafe bytes.withUnsafeMutableBytes {
                unsafe SSL_read(session, $0.baseAddress! + got, Int32(count - got))
            }
            guard read > 0 else { break }
            got += Int(read)
        }
        return Array(bytes[..<got])
    }

    /// How the connection ends, as OpenSSL's message; empty for close_notify.
    func end() -> String {
        ERR_clear_error()
        var byte: UInt8 = 0
        let result = unsafe SSL_read(session, &byte, 1)
        switch SSL_get_error(session, result) {
        case SSL_ERROR_NONE: return "another byte"
        case SSL_ERROR_ZERO_RETURN: return ""
        default: return TLSError.reason(of: ERR_get_error())
        }
    }

    /// Updates the client's keys with the next `send`, and asks the server to update its own.
    func requestKeyUpdate() {
        SSL_key_update(session, SSL_KEY_UPDATE_REQUESTED)
    }

    /// Sends bytes unchanged.
    func sendRaw(_ bytes: [UInt8]) {
        _ = unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func finish() {
        SSL_shutdown(session)
    }
}
