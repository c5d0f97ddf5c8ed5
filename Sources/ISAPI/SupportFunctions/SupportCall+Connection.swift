import CISAPI
import Memory

/// The client's certificate and the channel binding of TLS.
extension SupportCall {
    /// lpvBuffer: a CERT_CONTEXT_EX, whose pbCertEncoded has a buffer of cbAllocated bytes.
    func getCertificate() -> CallFailure? {
        guard var context = unsafe buffer.load(CERT_CONTEXT_EX.self) else { return .invalidParameter }
        return session.inquire(by: caller) { state in
            guard let certificate = state.request.origin?.security?.clientCertificate else { return .noData }
            let count = certificate.encoded.count
            unsafe context.CertContext.dwCertEncodingType = DWORD(X509_ASN_ENCODING)
            unsafe context.CertContext.cbCertEncoded = DWORD(count)
            unsafe context.dwCertificateFlags = certificate.flags
            unsafe buffer.store(context)
            let target = unsafe ExtensionMemory(context.CertContext.pbCertEncoded)
            guard !target.isNull, let room = unsafe target.room(Int(context.cbAllocated)), room.count >= count else {
                return .insufficientBuffer
            }
            room.copy(certificate.encoded)
            return nil
        }
    }

    /// lpvBuffer: receives SEC_CHANNEL_BINDINGS and after it `tls-server-end-point:` with the hash (RFC 5929 §4);
    /// *lpdwSize: its size, then the required size.
    func getChannelBinding() -> CallFailure? {
        if size.isNull { return .invalidParameter }
        return session.inquire(by: caller) { state in
            guard let hash = state.request.origin?.security?.serverEndPoint, !hash.isEmpty else { return .noData }
            let type: StaticString = "tls-server-end-point:"
            // Two addresses that are not set, then the length and the offset of the token.
            let words: [UInt32] = [
                0, 0, 0, 0, 0, 0, UInt32(type.utf8CodeUnitCount + hash.count), Self.bindingsSize,
            ]
            state.scratch.removeAll()
            for word in words {
                for shift in [0, 8, 16, 24] { state.scratch.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
            }
            state.scratch.append(type)
            hash.withBytes { state.scratch.append($0) }
            return ExtensionBuffer(memory: buffer, size: size).receive(state.scratch.bytes)
        }
    }

    /// Bytes of SEC_CHANNEL_BINDINGS: eight 32-bit words.
    private static let bindingsSize: UInt32 = 32
}
