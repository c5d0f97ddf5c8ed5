import COpenSSL
import Glibc

/// The settings a listener negotiates with; the defaults are Mozilla's intermediate configuration.
package struct TLSPolicy: Equatable, Sendable {
    package enum Version: Int32, Comparable, Sendable {
        case tls12 = 0x0303
        case tls13 = 0x0304

        package static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
    }

    package var minimum = Version.tls12
    package var maximum = Version.tls13
    /// Protocol names offered by ALPN, most wanted first (RFC 7301).
    package var applicationProtocols = ["http/1.1"]
    /// Cipher suites of TLS 1.2; those of TLS 1.3 are OpenSSL's default three.
    package var cipherList =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
        + "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
    package var groups = "X25519:P-256:P-384"

    package init() {}
}

/// A certificate chain and its private key, both PEM files.
package struct CertificateFiles: Equatable, Sendable {
    package let chain: String
    package let key: String

    package init(chain: String, key: String) {
        self.chain = chain
        self.key = key
    }
}

/// An `SSL_CTX`: one policy and the certificates of one site, of any number of key types.
@safe
package final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer
    /// ALPN's wire form: each name after its length (RFC 7301 §3.1).
    private let applicationProtocols: [UInt8]

    /// - Throws: `TLSError` naming the file and what OpenSSL found wrong with it.
    package init(policy: TLSPolicy, certificates: [CertificateFiles]) throws(TLSError) {
        guard let context = unsafe SSL_CTX_new(TLS_server_method()) else { throw TLSError("create TLS context") }
        unsafe pointer = context
        applicationProtocols = policy.applicationProtocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        try configure(policy)
        for files in certificates { try load(files) }
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
    }

    private func configure(_ policy: TLSPolicy) throws(TLSError) {
        unsafe COpenSSL_CTX_set_mode(
            pointer,
            COpenSSL_MODE_RELEASE_BUFFERS | COpenSSL_MODE_ENABLE_PARTIAL_WRITE
                | COpenSSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
        // An early FIN needs no error of its own: HTTP framing tells a finished message from a cut one.
        unsafe SSL_CTX_set_options(
            pointer, COpenSSL_OP_NO_RENEGOTIATION | COpenSSL_OP_NO_COMPRESSION | COpenSSL_OP_IGNORE_UNEXPECTED_EOF)
        unsafe COpenSSL_CTX_set_read_ahead(pointer, 1)
        unsafe COpenSSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        unsafe SSL_CTX_set_num_tickets(pointer, 1)
        unsafe COpenSSL_CTX_set_dh_auto(pointer, 1)
        let identity = Array("isagate".utf8)
        guard unsafe COpenSSL_CTX_set_min_proto_version(pointer, policy.minimum.rawValue) == 1,
            unsafe COpenSSL_CTX_set_max_proto_version(pointer, policy.maximum.rawValue) == 1,
            unsafe SSL_CTX_set_cipher_list(pointer, policy.cipherList) == 1,
            unsafe COpenSSL_CTX_set1_groups_list(pointer, policy.groups) == 1,
            unsafe SSL_CTX_set_session_id_context(pointer, identity, UInt32(identity.count)) == 1
        else { throw TLSError("apply TLS policy") }
        let reference = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe SSL_CTX_set_alpn_select_cb(pointer, selectApplicationProtocol, reference)
    }

    private func load(_ files: CertificateFiles) throws(TLSError) {
        guard unsafe SSL_CTX_use_certificate_chain_file(pointer, files.chain) == 1 else {
            throw TLSError("load certificate chain \(files.chain)")
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(pointer, files.key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSError("load private key \(files.key)")
        }
        guard unsafe SSL_CTX_check_private_key(pointer) == 1 else {
            throw TLSError("match private key \(files.key) with certificate \(files.chain)")
        }
    }

    /// Picks our first protocol that the client offers; without overlap the handshake ends with
    /// `no_application_protocol` (RFC 7301 §3.2).
    fileprivate func select(
        from offered: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        var chosen: UnsafeMutablePointer<UInt8>?
        var count: UInt8 = 0
        let bytes = unsafe offered.bindMemory(to: UInt8.self)
        let outcome = unsafe applicationProtocols.withUnsafeBufferPointer { ours in
            unsafe SSL_select_next_proto(
                &chosen, &count, ours.baseAddress, UInt32(ours.count), bytes.baseAddress, UInt32(bytes.count))
        }
        // The choice points into our list, which lives as long as the context.
        guard outcome == OPENSSL_NPN_NEGOTIATED else { return nil }
        return unsafe UnsafeRawBufferPointer(start: chosen, count: Int(count))
    }
}

private let selectApplicationProtocol:
    @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
        UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
    ) -> Int32 = { _, chosen, chosenCount, offered, offeredCount, argument in
        let offer = unsafe UnsafeRawBufferPointer(start: offered, count: Int(offeredCount))
        let context = unsafe Unmanaged<TLSContext>.fromOpaque(argument!)
        guard let name = unsafe context._withUnsafeGuaranteedRef({ unsafe $0.select(from: offer) }) else {
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
        unsafe chosen?.pointee = name.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe chosenCount?.pointee = UInt8(name.count)
        return SSL_TLSEXT_ERR_OK
    }
