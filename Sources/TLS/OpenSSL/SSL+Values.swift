import COpenSSL
import Memory

extension SSL {
    /// Sends this OCSP response in the handshake; false when OpenSSL cannot allocate the copy that it keeps.
    func setStaple(_ response: ByteView) -> Bool {
        guard let copy = unsafe COpenSSL_malloc(response.count) else { return false }
        unsafe MutableByteView(start: copy, count: response.count).copy(response)
        unsafe COpenSSL_set_ocsp_response(self, copy.assumingMemoryBound(to: UInt8.self), response.count)
        return true
    }

    /// What ALPN has chosen (RFC 7301).
    var selectedProtocol: String? {
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(self, &start, &count)
        return unsafe start.map { unsafe String(decoding: ByteView(start: $0, count: Int(count)), as: UTF8.self) }
    }

    var serverName: String? {
        unsafe SSL_get_servername(self, COpenSSL_TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) }
    }

    /// An extension of the ClientHello, valid during its callback; nil when the client sends none.
    func helloExtension(_ type: Int32) -> ByteView? {
        var start: UnsafePointer<UInt8>?
        var count = 0
        guard unsafe SSL_client_hello_get0_ext(self, UInt32(type), &start, &count) == 1 else { return nil }
        return unsafe ByteView(start: start, count: count)
    }

    /// Sessions are resumed only with the same identity of their context.
    func setContextIdentity(_ identity: ByteView) {
        unsafe SSL_set_session_id_context(self, identity.octets, UInt32(identity.count))
    }
}

extension SSL_SESSION {
    /// The gateway's own data in the ticket of a session, valid as long as the session; nil when there is none.
    var ticketData: ByteView? {
        var start: UnsafeMutableRawPointer?
        var count = 0
        guard unsafe SSL_SESSION_get0_ticket_appdata(self, &start, &count) == 1 else { return nil }
        return unsafe ByteView(start: start, count: count)
    }

    func setTicketData(_ data: ByteView) -> Bool {
        unsafe SSL_SESSION_set1_ticket_appdata(self, data.baseAddress, data.count) == 1
    }
}
