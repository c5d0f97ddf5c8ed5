import COpenSSL

/// A stored answer of the authority that a certificate is not revoked, sent along in handshakes (RFC 6066 §8).
struct OCSPStaple: Sendable {
    /// DER.
    let bytes: [UInt8]
    /// After this a client would refuse the answer, so it is no longer sent; nil when the answer does not say.
    let nextUpdate: Timestamp?

    /// - Throws: `TLSError` for anything but a successful response.
    init(_ bytes: [UInt8]) throws(TLSError) {
        let response = unsafe bytes.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            return unsafe d2i_OCSP_RESPONSE(nil, &position, buffer.count)
        }
        guard let response = unsafe response else { throw TLSError("read OCSP response") }
        defer { unsafe OCSP_RESPONSE_free(response) }
        guard unsafe OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL,
            let basic = unsafe OCSP_response_get1_basic(response)
        else { throw TLSError(action: "read OCSP response", reason: "the response is not a successful one") }
        defer { unsafe OCSP_BASICRESP_free(basic) }
        var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        _ = unsafe OCSP_single_get0_status(OCSP_resp_get0(basic, 0), nil, nil, nil, &next)
        self.bytes = bytes
        nextUpdate = unsafe next.map { unsafe timestamp($0) }
    }

    func isFresh(at now: Timestamp) -> Bool { nextUpdate.map { now < $0 } ?? true }
}

/// Adds the answer for the certificate that this handshake uses, if there is a fresh one.
let stapleCallback: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { session, _ in
    guard let negotiation = unsafe Negotiation.of(session),
        let staple = unsafe negotiation.staple(for: SSL_get_certificate(session)), staple.isFresh(at: .now),
        let copy = unsafe COpenSSL_malloc(staple.bytes.count)
    else { return SSL_TLSEXT_ERR_NOACK }
    unsafe copy.copyMemory(from: staple.bytes, byteCount: staple.bytes.count)
    unsafe COpenSSL_set_ocsp_response(session, copy.assumingMemoryBound(to: UInt8.self), staple.bytes.count)
    return SSL_TLSEXT_ERR_OK
}
