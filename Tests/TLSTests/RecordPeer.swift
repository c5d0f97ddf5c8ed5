import COpenSSL
import Testing

@testable import TLS

/// An OpenSSL client after a handshake in memory, for which records can be sealed under the secret it logs.
final class RecordPeer {
    private let client: SSL
    private let server: SSL
    private let serverSide: BIO
    /// The keys of the server's records.
    private(set) var secret: [UInt8] = []
    /// How many records the server has written.
    let records: UInt32
    private(set) var keyUpdates = 0

    init() throws {
        let files = TestFiles()
        files.add("a", TestAuthority().issue(["a.test"]))
        let store = try #require(try files.loader().load([listener([(["a.test"], ["a"])])]).stores["secure"])
        let context = SSL_CTX_new(TLS_client_method())!
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256")
        unsafe SSL_CTX_set_keylog_callback(context) { session, line in
            let place = unsafe SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), 0)!
            unsafe Unmanaged<RecordPeer>.fromOpaque(place).takeUnretainedValue().note(String(cString: line!))
        }
        client = SSL_new(context)!
        server = SSL_new(store.initial.object)!
        records = UInt32(SSL_get_num_tickets(server))
        let clientSide = BIO_new(BIO_s_bio())!
        serverSide = COpenSSL_BIO_new_pair_end(clientSide)!
        unsafe SSL_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(self).toOpaque())
        COpenSSL_set_bios(client, clientSide, clientSide)
        COpenSSL_set_bios(server, serverSide, serverSide)
        SSL_set_connect_state(client)
        SSL_set_accept_state(server)
        let negotiation = Negotiation(store)
        negotiation.begin(server)
        for _ in 0..<3 {
            SSL_do_handshake(client)
            SSL_do_handshake(server)
        }
        Negotiation.end(server)
        unsafe SSL_set_msg_callback(client) { isWritten, _, type, bytes, _, _, peer in
            guard isWritten == 0, type == SSL3_RT_HANDSHAKE else { return }
            guard unsafe bytes!.load(as: UInt8.self) == UInt8(SSL3_MT_KEY_UPDATE) else { return }
            unsafe Unmanaged<RecordPeer>.fromOpaque(peer!).takeUnretainedValue().keyUpdates += 1
        }
        unsafe SSL_ctrl(client, SSL_CTRL_SET_MSG_CALLBACK_ARG, 0, Unmanaged.passUnretained(self).toOpaque())
    }

    private func note(_ line: String) {
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == "SERVER_TRAFFIC_SECRET_0" else { return }
        secret = bytes(String(words[2]))
    }

    /// Makes the client receive a record in the server's name.
    func take(_ record: [UInt8]?) {
        guard let record else { return }
        _ = unsafe BIO_write(serverSide, record, Int32(record.count))
    }

    /// The client's result of the records so far; empty when it cannot read them.
    func read() -> String {
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = unsafe SSL_read(client, &buffer, Int32(buffer.count))
        return String(decoding: buffer.prefix(max(0, Int(count))), as: UTF8.self)
    }
}
